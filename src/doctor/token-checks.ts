/** Checks that the identity provider's key set is readable, and that tokens must be issued for this server. */
import { failed, ok, unknown, type Check } from './check.ts'
import { send } from './send.ts'

export type TokenSubject = {
  jwksUrl: string
  /** Claims that are not checked, each with advice. */
  missing: readonly { key: string; advice: string }[]
  signal?: AbortSignal | undefined
}

const keySet: Check<TokenSubject> = {
  name: 'key-set',
  async run({ jwksUrl, signal }) {
    const fix =
      'Correct auth.jwksUrl, and check that this machine can reach it. Until then, requests with tokens are answered 503.'
    const answer = await send({ url: jwksUrl, method: 'GET', headers: { accept: 'application/json' }, signal }).catch(
      (error: Error) => error,
    )
    if (answer instanceof Error) return failed(`The key set at ${jwksUrl} cannot be read: ${answer.message}.`, fix)
    if (answer.status !== 200) return failed(`The key set at ${jwksUrl} answers ${answer.status}.`, fix)
    const keys = keysOf(answer.body)
    if (keys === 0) return failed(`The response of ${jwksUrl} contains no public keys.`, fix)
    return ok(`The key set at ${jwksUrl} has ${keys} ${keys === 1 ? 'key' : 'keys'}.`)
  },
}

const claims: Check<TokenSubject> = {
  name: 'claims',
  async run({ missing }) {
    if (missing.length === 0) return ok('The issuer and the audience of tokens are checked.')
    const names = missing.map(({ key }) => key).join(' and ')
    return unknown(
      `${names} ${missing.length === 1 ? 'is' : 'are'} not set, so tokens that were issued for another application may be accepted.`,
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
