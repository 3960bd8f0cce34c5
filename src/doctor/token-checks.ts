/** Whether the key set of the identity provider can be read, and whether its tokens are known to be for this server. */
import { failed, ok, unknown, type Check } from './check.ts'
import { send } from './send.ts'

export type TokenSubject = {
  jwksUrl: string
  /** What is not compared, each with its advice. */
  missing: readonly { key: string; advice: string }[]
  signal?: AbortSignal | undefined
}

const keySet: Check<TokenSubject> = {
  name: 'key-set',
  async run({ jwksUrl, signal }) {
    const fix = 'Correct auth.jwksUrl, and let this machine reach it. Until then tokens are answered 503.'
    const answer = await send({ url: jwksUrl, method: 'GET', headers: { accept: 'application/json' }, signal }).catch(
      (error: Error) => error,
    )
    if (answer instanceof Error) return failed(`The key set at ${jwksUrl} cannot be read: ${answer.message}.`, fix)
    if (answer.status !== 200) return failed(`The key set at ${jwksUrl} answers ${answer.status}.`, fix)
    const keys = keysOf(answer.body)
    if (keys === 0) return failed(`What ${jwksUrl} answers holds no public keys.`, fix)
    return ok(`The key set at ${jwksUrl} has ${keys} ${keys === 1 ? 'key' : 'keys'}.`)
  },
}

const claims: Check<TokenSubject> = {
  name: 'claims',
  async run({ missing }) {
    if (missing.length === 0) return ok("The issuer and the audience of tokens are compared with this server's.")
    const names = missing.map(({ key }) => key).join(' and ')
    return unknown(
      `${names} ${missing.length === 1 ? 'is' : 'are'} not set: whether a token was issued for this server is not checked.`,
      missing.map(({ advice }) => advice).join(' '),
    )
  },
}

export const tokenChecks: readonly Check<TokenSubject>[] = [keySet, claims]

function keysOf(body: Buffer): number {
  try {
    const { keys } = JSON.parse(body.toString()) as { keys?: unknown }
    return Array.isArray(keys)
      ? keys.filter((key: { kty?: unknown } | null) => key?.kty && key.kty !== 'oct').length
      : 0
  } catch {
    return 0
  }
}
