/** The identity provider's public keys (`auth.jwksUrl`): fetched, cached, and fetched again for an unknown key. */
import type { JWTPayload, JWTVerifyOptions } from 'jose'

export type KeySet = {
  /** Errors: those of jose. */
  verify(token: string, options: JWTVerifyOptions): Promise<JWTPayload>
}

const asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** Milliseconds between two fetches that tokens with unknown keys can cause, successful or not. */
const fetchIntervalMs = 5_000

export async function openKeySet(url: URL): Promise<KeySet> {
  const { createRemoteJWKSet, customFetch, errors, jwtVerify } = await import('jose')
  let failed: { at: number; error: unknown } | null = null
  /** jose limits fetches only after a success. This limits them after a failure too. */
  const limitedFetch: typeof fetch = async (...request) => {
    if (failed && performance.now() - failed.at < fetchIntervalMs) throw failed.error
    failed = null
    try {
      const response = await fetch(...request)
      if (response.status !== 200)
        failed = { at: performance.now(), error: new errors.JWKSInvalid(`HTTP ${response.status}`) }
      return response
    } catch (error) {
      failed = { at: performance.now(), error }
      throw error
    }
  }
  const keySet = createRemoteJWKSet(url, {
    timeoutDuration: 5_000,
    cooldownDuration: fetchIntervalMs,
    [customFetch]: limitedFetch,
  })

  async function attempt(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    try {
      return (await jwtVerify(token, keySet, options)).payload
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      // A token without `kid` may be signed by any key of its algorithm.
      let mismatch: unknown = error
      for await (const key of error) {
        try {
          return (await jwtVerify(token, key, options)).payload
        } catch (reason) {
          if (!(reason instanceof errors.JWSSignatureVerificationFailed)) throw reason
          mismatch = reason
        }
      }
      throw mismatch
    }
  }

  return {
    async verify(token, given) {
      const options = { ...given, algorithms: asymmetric }
      try {
        return await attempt(token, options)
      } catch (error) {
        // Where keys have no id or reuse one, a new key only shows as a signature that no known key verifies.
        const isUnknownKey = error instanceof errors.JWSSignatureVerificationFailed && !keySet.coolingDown
        if (!isUnknownKey) throw error
        await keySet.reload()
        return attempt(token, options)
      }
    },
  }
}
