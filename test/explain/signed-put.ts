/** A URL signed by us, and its explanation if it is used differently. */
import { createSecretKey } from 'node:crypto'
import { requestOf } from '../../src/explain/decode-url.ts'
import { explainRequest } from '../../src/explain/explain-request.ts'
import type { Explanation } from '../../src/explain/explanation.ts'
import { presign, type PresignOptions } from '../../src/sigv4/presign.ts'
import type { KeyRing, RawRequest } from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'

export const signedAt = new Date('2026-03-04T10:00:00Z')
export const credentials = {
  accessKeyId: 'AKIAEXPLAINEXPLAIN01',
  secretAccessKey: 'an-explained-secret-0123456789abcdef0123',
}
const secret = createSecretKey(Buffer.from(credentials.secretAccessKey))
export const keys: KeyRing = { find: (id) => (id === credentials.accessKeyId ? { secret, owner: 'a' } : undefined) }
export const publicHost = 'files.example.com:4001'

export const headers = { 'content-type': 'image/jpeg' }

export const signed = (o: Partial<PresignOptions> = {}): string =>
  presign({
    method: 'PUT',
    endpoint: `http://${publicHost}/objects`,
    bucket: 'bucket',
    key: "a b/c+d'.jpg",
    pathStyle: true,
    headers,
    credentials,
    region: 'us-east-1',
    expiresIn: 600,
    now: signedAt,
    ...o,
  }).url

export type Sent = {
  url?: string
  method?: string
  headers?: Record<string, string>
  now?: Date
  region?: string | null
  keys?: KeyRing | null
}

export const requestSent = (sent: Sent): RawRequest =>
  requestOf(sent.url ?? signed(), {
    method: sent.method ?? 'PUT',
    headers: Object.entries(sent.headers ?? headers),
    pathPrefix: '/objects',
  })

const later = (seconds: number): Date => new Date(signedAt.getTime() + seconds * 1000)
export const soon = later(2)
export { later }

export const explained = (sent: Sent): Explanation =>
  explainRequest(requestSent(sent), {
    region: sent.region === undefined ? 'us-east-1' : sent.region,
    keys: sent.keys === undefined ? keys : sent.keys,
    now: sent.now ?? soon,
    hosts: [publicHost],
  })

/** What the server itself says. */
export function isAccepted(sent: Sent): boolean {
  try {
    const verified = verifyRequest(requestSent(sent), {
      region: 'us-east-1',
      service: 's3',
      keys,
      now: sent.now ?? soon,
    })
    return verified !== null
  } catch {
    return false
  }
}
