/** `postern keys rotate --tokens`: a new secret for bearer tokens, the old one accepted for a while. */
import { readFileSync } from 'node:fs'
import { cannotOpen } from '../cannot-open.ts'
import { acceptsSecret } from '../api/token-refusal.ts'
import { describeSource } from '../config/config-error.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import { readSecrets, rotateTokens, secretsPath } from '../config/secrets.ts'
import { weakness } from '../config/weak-secret.ts'
import { CliError } from './cli-error.ts'
import { printJson, printNote, printResult } from './output.ts'
import { stateFolder } from '../config/state-folder.ts'

type RotateTokenOptions = { overlap: number; now: Date; json: boolean; secretFile: string | undefined }

export async function rotateTokenSecret({ config, sources }: LoadedConfig, o: RotateTokenOptions): Promise<void> {
  const { auth, storage } = config
  const folder = stateFolder({ storage })
  const configured = auth.secret === 'auto' ? null : auth.secret
  if (!acceptsSecret(auth)) {
    printNote(
      `Tokens signed with this secret are refused while auth.jwksUrl is ${auth.jwksUrl}. ` +
        'Its issuer rotates the keys of the tokens that are accepted.',
    )
  }
  const chosen = o.secretFile === undefined ? undefined : readChosen(o.secretFile)
  if (chosen !== undefined && chosen === (configured ?? readSecrets(folder)?.jwtSecret)) throw alreadyCurrent(o)
  const { secret, validUntil } = await rotateTokens(folder, { ...o, configured, ...(chosen && { chosen }) })
  const isOver = Date.parse(validUntil) <= o.now.getTime()
  const ending = isOver
    ? 'Tokens of the old secret have ended.'
    : `Tokens of the old secret are accepted until ${validUntil}.`
  const replaces = { validUntil }
  if (configured === null) {
    const where = secretsPath(folder)
    if (o.json) printJson({ where, replaces })
    else printResult(ending)
    printNote(`A running server takes the new secret at once. Who issues tokens finds it in ${where} (jwtSecret).`)
    return
  }
  const where = describeSource(sources.get('auth.secret') ?? { from: 'default' })
  const isNew = chosen === undefined
  if (o.json) printJson({ where, ...(isNew && { secret }), replaces })
  else if (isNew) printResult(`POSTERN_AUTH_SECRET=${secret}`)
  else
    printResult(
      isOver ? 'Nothing is accepted beside the secret of the configuration.' : `Both are accepted until ${validUntil}.`,
    )
  printNote(`auth.secret stands in the configuration (${where}), which this command does not change:`)
  const hidden = isNew ? ' It is not shown again.' : ''
  if (isOver) {
    printNote(`write the new secret there, restart the server, then give it to who issues tokens.${hidden}`)
    printNote('Until that restart the server goes on with the old secret.')
    return
  }
  printNote(`write the new secret there and restart the server, before ${validUntil}.${hidden}`)
  printNote('Tokens of both secrets are accepted from now on, by a running server too, and until then.')
}

/** As `POSTERN_AUTH_SECRET_FILE` reads it. */
function readChosen(file: string): string {
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new CliError(cannotOpen(file, cause, { to: 'read', or: 'name another file with --secret-file' }), 2, {
      cause,
    })
  }
  const weak = weakness(secret, 32)
  if (weak === null) return secret
  throw new CliError(`The secret in ${file} ${weak}. Make one: openssl rand -base64 48 > ${file}`, 2)
}

const alreadyCurrent = ({ secretFile }: RotateTokenOptions): CliError =>
  new CliError(
    `${secretFile} holds the secret that is in use already. Run this while the old one is still configured, and put the new one there afterwards.`,
    1,
  )
