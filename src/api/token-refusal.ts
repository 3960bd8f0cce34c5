/** Errors for rejected tokens. They name the claim, its value, the expected value and the fix. */
import type { errors as JoseErrors } from 'jose'
import type { Config } from '../config/config.ts'
import { StorageError } from '../errors.ts'

type Auth = Pick<Config['auth'], 'jwksUrl' | 'allowSecretWithJwks' | 'issuer' | 'audience' | 'clockTolerance'>

/** Whether tokens signed with `auth.secret`, such as those of `postern token`, are accepted. */
export const acceptsSecret = ({
  jwksUrl,
  allowSecretWithJwks,
}: Pick<Auth, 'jwksUrl' | 'allowSecretWithJwks'>): boolean => jwksUrl === null || allowSecretWithJwks

/** Adds advice on how to send a token and where to get one. */
export function unauthenticated(auth: Auth, message: string, cause?: unknown): StorageError {
  const advice = acceptsSecret(auth)
    ? 'Send Authorization: Bearer <token>; `postern token --sub alice` creates one for testing.'
    : 'Send Authorization: Bearer <token> with a token from the identity provider of auth.jwksUrl.'
  return refuseToken(auth, message, advice, cause)
}

/** `details.issuer` names the source of tokens for the console. */
export const refuseToken = (auth: Auth, message: string, advice: string, cause?: unknown): StorageError =>
  new StorageError('Unauthenticated', {
    message: `${message} ${advice}`,
    details: { issuer: acceptsSecret(auth) ? 'this-server' : 'identity-provider' },
    ...(cause === undefined ? {} : { cause }),
  })

/** Errors of the key set, not of the token. */
const keySetErrors = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'])

type Facts = { errors: typeof JoseErrors; token: string; now: Date }

export const tokenRefusal = {
  of(auth: Auth, error: unknown, { errors, token, now }: Facts): StorageError {
    if (error instanceof StorageError) return error
    if (error instanceof errors.JWTExpired) return expired(auth, error, now)
    if (error instanceof errors.JWTClaimValidationFailed) return wrongClaim(auth, error, now)
    if (error instanceof errors.JWSSignatureVerificationFailed) return wrongSignature(auth, error, token)
    if (error instanceof errors.JWKSNoMatchingKey) return unknownKey(auth, error, token)
    if (error instanceof errors.JOSEAlgNotAllowed || isOtherAlgorithm(error, errors)) {
      const accepted =
        auth.jwksUrl === null ? 'HS256, signed with auth.secret' : 'the algorithms of the key set auth.jwksUrl'
      const message = `The token's algorithm ${shown(headerOf(token)['alg'])} is not accepted.`
      return refuseToken(auth, message, `This server accepts ${accepted}.`, error)
    }
    const trouble = error instanceof errors.JOSEError ? keySetErrors.has(error.code) : !isMalformed(error)
    if (trouble)
      return new StorageError('Unavailable', { message: 'The key set auth.jwksUrl cannot be read.', cause: error })
    return unauthenticated(auth, 'The token is malformed: it is not a signed JSON Web Token of three parts.', error)
  },
  /** `nbf` or `iat` is ahead of the server's clock by more than the tolerance. */
  early(auth: Auth, claim: 'nbf' | 'iat', at: number, now: Date, cause?: unknown): StorageError {
    const ahead = at - seconds(now)
    return refuseToken(
      auth,
      `The token is not valid yet: its ${claim} is ${ahead} s ahead of this server's clock, and the tolerance is ${auth.clockTolerance} s.`,
      'Synchronise the clocks of this server and the token issuer with NTP, or raise auth.clockTolerance.',
      cause,
    )
  },
}

function expired(auth: Auth, error: JoseErrors.JWTExpired, now: Date): StorageError {
  const { exp = 0 } = error.payload
  return unauthenticated(auth, `The token expired ${seconds(now) - exp} s ago.`, error)
}

function wrongClaim(auth: Auth, error: JoseErrors.JWTClaimValidationFailed, now: Date): StorageError {
  const { claim, reason, payload } = error
  const value = payload[claim]
  const refuse = (message: string, advice: string): StorageError => refuseToken(auth, message, advice, error)
  if (reason === 'missing') {
    const missing: Record<string, [message: string, advice: string]> = {
      exp: ['The token has no expiry.', "Add one, for example `expiresIn: '1h'`."],
      sub: ['The token names no user.', 'Add the claim `sub`, for example `subject: user.id`.'],
      aud: [
        'The token has no audience.',
        `Add the claim \`aud\` with the value ${shown(auth.audience)} (auth.audience).`,
      ],
      iss: ['The token has no issuer.', `Add the claim \`iss\` with the value ${shown(auth.issuer)} (auth.issuer).`],
    }
    return refuse(...(missing[claim] ?? [`The token has no claim ${shown(claim)}.`, 'Add the claim.']))
  }
  if (claim === 'nbf' && typeof value === 'number') return tokenRefusal.early(auth, 'nbf', value, now, error)
  if (claim === 'aud')
    return refuse(
      `The token's audience (aud) is ${shown(value)}, but this server expects ${shown(auth.audience)}.`,
      'Issue the token for that audience, or change auth.audience.',
    )
  if (claim === 'iss')
    return refuse(
      `The token's issuer (iss) is ${shown(value)}, but this server expects ${shown(auth.issuer)}.`,
      'Use a token from that issuer, or change auth.issuer.',
    )
  return refuse(`The token's claim ${claim} is ${shown(value)}.`, 'It must be a number of seconds since 1970.')
}

function wrongSignature(auth: Auth, error: unknown, token: string): StorageError {
  if (headerOf(token)['alg'] === 'HS256')
    return refuseToken(
      auth,
      "The token's signature does not match `auth.secret`.",
      'Sign it with the same secret (POSTERN_AUTH_SECRET, or jwtSecret in secrets.json). `postern token --sub alice` creates a token to compare with.',
      error,
    )
  return refuseToken(
    auth,
    "The token's signature does not match the key set auth.jwksUrl.",
    'Use an unmodified token from that identity provider.',
    error,
  )
}

function unknownKey(auth: Auth, error: unknown, token: string): StorageError {
  const { kid, alg } = headerOf(token)
  const key =
    kid === undefined ? `no key for the algorithm ${shown(alg)}` : `no ${shown(alg)} key with the key id ${shown(kid)}`
  return refuseToken(
    auth,
    `The key set auth.jwksUrl has ${key}.`,
    'Use a token from that identity provider. New keys are found within 5 s of being published.',
    error,
  )
}

const isOtherAlgorithm = (error: unknown, errors: typeof JoseErrors): boolean =>
  error instanceof errors.JOSENotSupported && /"?alg"?/.test(error.message)

/** jose reports a malformed token as a TypeError without a cause. A failed fetch has a cause. */
const isMalformed = (error: unknown): boolean => error instanceof TypeError && error.cause === undefined

/** The unverified header, `{}` if malformed. Used only to choose a key. */
export function headerOf(token: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
    return typeof header === 'object' && header !== null ? (header as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Untrusted text, shortened to one line. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

const seconds = (at: Date): number => Math.floor(at.getTime() / 1000)
