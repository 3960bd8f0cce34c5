/**
 * Lets `postern doctor` verify that a URL leads to this installation. Only a holder of its secret can answer a nonce.
 */
import { createHmac, type KeyObject } from 'node:crypto'

/** A valid nonce. Other values are ignored. */
export const noncePattern = /^[0-9a-f]{32}$/

/** Hex. Uses a derived key, so that a proof is never valid as another signature of the secret. */
export function instanceProof(secret: KeyObject, nonce: string): string {
  const key = createHmac('sha256', secret).update('postern instance proof').digest()
  return createHmac('sha256', key).update(nonce).digest('hex')
}
