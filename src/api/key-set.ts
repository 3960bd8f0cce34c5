/** The public keys of the identity provider (`auth.jwksUrl`): fetched, kept, and fetched again when a key is unknown. */
import type { JWTPayload, JWTVerifyOptions } from 'jose'

export type KeySet = {
  /** Errors: those of jose. */
  verify(token: string, options: JWTVerifyOptions): Promise<JWTPayload>
}

const asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** Milliseconds between two fetches, successful or not, that tokens with unknown keys can cause. */
const pause = 5_000

export async function openKeySet(url: URL): Promise<KeySet> {
  const { createRemoteJWKSet, customFetch, errors, jwtVerify } = await import('jose')
  let failed: { at: number; error: unknown } | null = null
  /** jose limits fetches after a success only. A key set that does not answer is not asked for every token either. */
  const fetchSeldom: typeof fetch = async (...request) => {
    if (failed && performance.now() - failed.at < pause) throw failed.error
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
    cooldownDuration: pause,
    [customFetch]: fetchSeldom,
  })

  async function attempt(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    try {
      return (await jwtVerify(token, keySet, options)).payload
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      // A token without `kid`: any key of its algorithm may have signed it.
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
        // Where keys have no id, or keep it, a new key shows only as a signature that no known key made.
        const isUnknownKey = error instanceof errors.JWSSignatureVerificationFailed && !keySet.coolingDown
        if (!isUnknownKey) throw error
        await keySet.reload()
        return attempt(token, options)
      }
    },
  }
}
