/** How `postern doctor` knows that an address leads to this installation: only who has its secret can answer a nonce. */
import { createHmac, type KeyObject } from 'node:crypto'

/** A nonce that is answered; anything else in its place is ignored. */
export const noncePattern = /^[0-9a-f]{32}$/

/** Hex. The key is derived, so that no answer is anything else that the secret signs. */
export function instanceProof(secret: KeyObject, nonce: string): string {
  const key = createHmac('sha256', secret).update('postern instance proof').digest()
  return createHmac('sha256', key).update(nonce).digest('hex')
}
