import { hash, type KeyObject } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Config } from '../config/config.ts'
import { openKeySet, type KeySet } from './key-set.ts'
import { headerOf, refuseToken, tokenRefusal, unauthenticated } from './token-refusal.ts'

/** Resolves to the token's `sub`. Errors: Unauthenticated, or Unavailable if the key set cannot be read. */
export type VerifyToken = (token: string) => Promise<string>

export type TokenSecrets = {
  /** The current secret, then those it replaced. Returns the same array until something changes. */
  accepted(): readonly { secret: KeyObject; validUntil?: Date }[]
  /** Reads the secrets again. Called for a token that no known secret signed, because its secret may be new. */
  reload(): void
}

const maxRemembered = 10_000
/** Seconds until a token of the key set is verified again, because its key may have been withdrawn. */
const maxRemoteAge = 300

type Verified = { sub: string; until: number }

/**
 * HS256 tokens are verified only with our secrets, all others only with the key set, so a public key is never used as
 * a secret. With a key set, HS256 tokens are rejected unless `auth.allowSecretWithJwks` is true.
 */
export function createTokenVerifier(o: { auth: Config['auth']; secrets: TokenSecrets; now: () => Date }): VerifyToken {
  const { auth } = o
  const { jwksUrl, issuer, audience, clockTolerance } = auth
  let keySet: Promise<KeySet> | null = null
  const claims = {
    requiredClaims: ['exp', 'sub'],
    clockTolerance,
    ...(issuer === null ? {} : { issuer }),
    ...(audience === null ? {} : { audience }),
  }
  let trusted = o.secrets.accepted()
  const verified = new Map<string, Verified>()

  const verify = async (token: string): Promise<Verified> => {
    const options = { ...claims, currentDate: o.now() }
    if (jwksUrl === null) return verifyOwn(token, options)
    if (headerOf(token)['alg'] !== 'HS256') {
      keySet ??= openKeySet(new URL(jwksUrl))
      const payload = await (await keySet).verify(token, options)
      return { sub: subjectOf(payload), until: Math.min(endOf(payload), seconds(o.now()) + maxRemoteAge) }
    }
    if (auth.allowSecretWithJwks) return verifyOwn(token, options)
    throw refuseToken(
      auth,
      'The token is signed with HS256, a shared secret. This server accepts only tokens signed by the key set auth.jwksUrl.',
      'Get a token from the identity provider, or set auth.allowSecretWithJwks: true to accept both.',
    )
  }

  /** Tries each secret. A token expires no later than the secret that signed it. */
  async function verifyOwn(token: string, options: object): Promise<Verified> {
    // jose is loaded with the first token, which speeds up startup.
    const { errors, jwtVerify } = await import('jose')
    const attempt = async (): Promise<Verified> => {
      let mismatch: unknown
      for (const { secret, validUntil } of o.secrets.accepted()) {
        if (validUntil !== undefined && validUntil <= o.now()) continue
        try {
          const { payload } = await jwtVerify(token, secret, { ...options, algorithms: ['HS256'] })
          return { sub: subjectOf(payload), until: Math.min(endOf(payload), secondsOf(validUntil)) }
        } catch (error) {
          if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
          mismatch = error
        }
      }
      throw mismatch
    }
    const known = o.secrets.accepted()
    return attempt().catch((error: unknown) => {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
      o.secrets.reload()
      if (o.secrets.accepted() === known) throw error
      return attempt()
    })
  }

  /** Unix seconds from which the token counts as expired, including the tolerance. */
  const endOf = ({ exp = 0 }: JWTPayload): number => exp + clockTolerance

  function subjectOf({ sub, iat }: JWTPayload): string {
    if (iat !== undefined && iat > seconds(o.now()) + clockTolerance)
      throw tokenRefusal.early(auth, 'iat', iat, o.now())
    if (typeof sub === 'string' && sub.length >= 1 && sub.length <= 255 && sub.isWellFormed() && !/\p{Cc}/u.test(sub))
      return sub
    throw unauthenticated(auth, 'The token names no user. Set sub to 1 to 255 characters.')
  }

  return async (token) => {
    const now = o.secrets.accepted()
    // A secret may have expired since it verified a token.
    if (now !== trusted) verified.clear()
    trusted = now
    const digest = hash('sha256', token, 'base64')
    const known = verified.get(digest)
    if (known && known.until > seconds(o.now())) return known.sub
    verified.delete(digest)
    const result = await verify(token).catch(async (error: unknown) => {
      const { errors } = await import('jose')
      throw tokenRefusal.of(auth, error, { errors, token, now: o.now() })
    })
    verified.set(digest, result)
    for (const oldest of verified.keys()) {
      if (verified.size <= maxRemembered) break
      verified.delete(oldest)
    }
    return result.sub
  }
}

const secondsOf = (end: Date | undefined): number => (end === undefined ? Infinity : seconds(end))

const seconds = (at: Date): number => Math.floor(at.getTime() / 1000)
