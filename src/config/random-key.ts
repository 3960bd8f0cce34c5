import { randomBytes } from 'node:crypto'

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const idLength = 20

/** An access key with the lengths that AWS uses: an id of 20 characters with `prefix`, and a secret of 40. */
export function randomKey(prefix: string): { accessKeyId: string; secretAccessKey: string } {
  const id = Array.from(randomBytes(idLength - prefix.length), (byte) => base32[byte % base32.length]).join('')
  return { accessKeyId: prefix + id, secretAccessKey: randomBytes(30).toString('base64url') }
}
