import { hash, type KeyObject } from 'node:crypto'
import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import type { Config } from '../config/schema.ts'
import { StorageError } from '../errors.ts'

/** Resolves to the token's `sub`. Errors: Unauthenticated; Unavailable when the key set cannot be had. */
export type VerifyToken = (token: string) => Promise<string>

type Jose = typeof import('jose')

export type TokenSecrets = {
  /** The one that tokens are signed with, then those it replaced. The same array until something changes. */
  accepted(): readonly { secret: KeyObject; validUntil?: Date }[]
  /** Reads again, for a token that none of them signed: its secret may be new. */
  lookAgain(): void
}

/** With the first token that has to be verified, and not at the start. */
const loadJose = (): Promise<Jose> => import('jose')

const asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const maxRemembered = 10_000
/** Seconds after which a token signed by a key of the key set is verified again: the key may have been withdrawn. */
const maxRemoteAge = 300

/**
 * HS256 tokens are verified with our secrets alone, all others with the key set alone: a public key is never a secret.
 * `kid` only picks among known keys; a key inside a token is never looked at.
 */
export function createTokenVerifier(o: { auth: Config['auth']; secrets: TokenSecrets; now: () => Date }): VerifyToken {
  const { jwksUrl, issuer, audience } = o.auth
  let keySet: JWTVerifyGetKey | null = null
  const claims = {
    requiredClaims: ['exp', 'sub'],
    ...(issuer === null ? {} : { issuer }),
    ...(audience === null ? {} : { audience }),
  }
  let trusted = o.secrets.accepted()
  const verified = new Map<string, { sub: string; until: number }>()

  const verify = async (token: string): Promise<{ sub: string; until: number }> => {
    const { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } = await loadJose()
    if (jwksUrl !== null) keySet ??= createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 5_000 })
    const options = { ...claims, currentDate: o.now() }
    if (keySet === null || decodeProtectedHeader(token).alg === 'HS256') {
      return verifyOwn(token, options)
    }
    const { payload } = await jwtVerify(token, keySet, { ...options, algorithms: asymmetric })
    return { sub: subjectOf(payload), until: Math.min(payload.exp ?? 0, seconds(o.now()) + maxRemoteAge) }
  }

  /** With each of our secrets in turn; the token lives no longer than what it is signed with. */
  async function verifyOwn(token: string, options: object): Promise<{ sub: string; until: number }> {
    const { errors, jwtVerify } = await loadJose()
    const attempt = async (): Promise<{ sub: string; until: number }> => {
      let mismatch: unknown
      for (const { secret, validUntil } of o.secrets.accepted()) {
        if (validUntil !== undefined && validUntil <= o.now()) continue
        try {
          const { payload } = await jwtVerify(token, secret, { ...options, algorithms: ['HS256'] })
          return { sub: subjectOf(payload), until: Math.min(payload.exp ?? 0, secondsOf(validUntil)) }
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
      o.secrets.lookAgain()
      if (o.secrets.accepted() === known) throw error
      return attempt()
    })
  }

  return async (token) => {
    const now = o.secrets.accepted()
    // What was verified with a secret that has ended since is verified anew.
    if (now !== trusted) verified.clear()
    trusted = now
    const digest = hash('sha256', token, 'base64')
    const known = verified.get(digest)
    if (known && known.until > seconds(o.now())) return known.sub
    verified.delete(digest)
    const result = await verify(token).catch(async (error: unknown) => {
      throw translate(error, (await loadJose()).errors)
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

function subjectOf({ sub }: JWTPayload): string {
  if (typeof sub === 'string' && sub.length >= 1 && sub.length <= 255 && sub.isWellFormed() && !/\p{Cc}/u.test(sub))
    return sub
  throw unauthenticated('The token names no user: sub must be 1 to 255 characters.')
}

export const unauthenticated = (message: string, cause?: unknown): StorageError =>
  new StorageError('Unauthenticated', {
    message: `${message} Send Authorization: Bearer <token>; \`postern token --sub alice\` makes one to try with.`,
    ...(cause === undefined ? {} : { cause }),
  })

/** What is wrong with the key set rather than with the token. */
const keySetTroubles = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'])

function translate(error: unknown, errors: Jose['errors']): StorageError {
  if (error instanceof StorageError) return error
  if (error instanceof errors.JWTExpired) return unauthenticated('The token has expired.', error)
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthenticated(`The token is not for this server: claim ${error.claim} is missing or wrong.`, error)
  }
  const trouble = error instanceof errors.JOSEError ? keySetTroubles.has(error.code) : !isMalformed(error)
  if (trouble) return new StorageError('Unavailable', { message: 'The key set cannot be read.', cause: error })
  return unauthenticated('The token is not valid.', error)
}

/** jose reports a token that is no JWT at all as a TypeError without a cause; a failed fetch has one. */
const isMalformed = (error: unknown): boolean => error instanceof TypeError && error.cause === undefined
