/** `postern keys rotate --tokens`: a new secret for bearer tokens, the old one accepted for a while. */
import { describeSource } from '../config/config-error.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import { rotateTokens, secretsPath } from '../config/secrets.ts'
import { printJson, printNote, printResult } from './output.ts'

export async function rotateTokenSecret(
  { config, sources }: LoadedConfig,
  o: { overlap: number; now: Date; json: boolean },
): Promise<void> {
  const { auth, storage } = config
  const folder = storage.disk.path
  const configured = auth.secret === 'auto' ? null : auth.secret
  if (auth.jwksUrl !== null && configured === null) {
    printNote(`Tokens of ${auth.jwksUrl} are their issuer's to rotate; this is the secret of this server's own.`)
  }
  const { secret, validUntil } = await rotateTokens(folder, { ...o, configured })
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
  if (o.json) printJson({ where, secret, replaces })
  else printResult(`POSTERN_AUTH_SECRET=${secret}`)
  printNote(`auth.secret stands in the configuration (${where}), which this command does not change:`)
  printNote('write the new secret there, restart the server, then give it to who issues tokens. It is not shown again.')
  printNote(
    isOver
      ? 'Until that restart the server goes on with the old secret.'
      : `From that restart on, tokens of the old secret are accepted until ${validUntil}.`,
  )
}
