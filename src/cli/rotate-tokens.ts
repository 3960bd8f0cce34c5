/** `postern keys rotate --tokens`: replaces the secret of bearer tokens and accepts the old one for a while. */
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
      `Rotating this secret has no effect, because auth.jwksUrl is ${auth.jwksUrl}. ` +
        'Rotate the keys at the identity provider instead.',
    )
  }
  const chosen = o.secretFile === undefined ? undefined : readChosen(o.secretFile)
  if (chosen !== undefined && chosen === (configured ?? readSecrets(folder)?.jwtSecret)) throw alreadyCurrent(o)
  const { secret, validUntil } = await rotateTokens(folder, { ...o, configured, ...(chosen && { chosen }) })
  const isOver = Date.parse(validUntil) <= o.now.getTime()
  const ending = isOver
    ? 'Tokens signed with the old secret are no longer accepted.'
    : `Tokens signed with the old secret are accepted until ${validUntil}.`
  const replaces = { validUntil }
  if (configured === null) {
    const where = secretsPath(folder)
    if (o.json) printJson({ where, replaces })
    else printResult(ending)
    printNote(
      `A running server uses the new secret at once. Programs that issue tokens must use it too. It is in ${where} (jwtSecret).`,
    )
    return
  }
  const where = describeSource(sources.get('auth.secret') ?? { from: 'default' })
  const isNew = chosen === undefined
  if (o.json) printJson({ where, ...(isNew && { secret }), replaces })
  else if (isNew) printResult(`POSTERN_AUTH_SECRET=${secret}`)
  else
    printResult(
      isOver ? 'Only the secret of the configuration is accepted.' : `Both secrets are accepted until ${validUntil}.`,
    )
  printNote(`auth.secret is set in the configuration (${where}), which this command does not change.`)
  const hidden = isNew ? ' It is not shown again.' : ''
  if (isOver) {
    printNote(`Set the new secret there, restart the server, then update the programs that issue tokens.${hidden}`)
    printNote('The server uses the old secret until the restart.')
    return
  }
  printNote(`Set the new secret there and restart the server before ${validUntil}.${hidden}`)
  printNote('Until then, a running server also accepts tokens signed with either secret.')
}

/** Reads the file like `POSTERN_AUTH_SECRET_FILE`. */
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
  throw new CliError(`The secret in ${file} ${weak}. Create a new one: openssl rand -base64 48 > ${file}`, 2)
}

const alreadyCurrent = ({ secretFile }: RotateTokenOptions): CliError =>
  new CliError(
    `${secretFile} contains the current secret. Run this command while the old secret is configured, and set the new one afterwards.`,
    1,
  )
