/** Messages for requests rejected before routing: too slow, malformed, or one connection too many. */
import type { PlainAnswer } from '../http/connection-error.ts'
import { errorBody, hostId } from './error-response.ts'

type Words = { code: string; message: string }

const words: Readonly<Record<number, Words>> = {
  408: {
    code: 'RequestTimeout',
    message: 'Your socket connection to the server was not read from or written to within the timeout period.',
  },
  413: { code: 'EntityTooLarge', message: 'A chunk extension is over the limit of 16 KB.' },
  431: { code: 'RequestHeaderSectionTooLarge', message: 'The request line and headers are over the limit of 16 KB.' },
  503: { code: 'SlowDown', message: 'Too many connections are open. Use fewer connections, or retry later.' },
}
const notUnderstood: Words = { code: 'BadRequest', message: 'The request is not valid HTTP.' }
/** Seconds until a rejected connection may be retried. */
const retryAfter = '5'

export const plainAnswer: PlainAnswer = (status, requestId) => ({
  contentType: 'application/xml',
  body: errorBody({ ...(words[status] ?? notUnderstood), status, details: {} }, { resource: '/', requestId }),
  headers: {
    'x-amz-request-id': requestId,
    'x-amz-id-2': hostId,
    ...(status === 503 ? { 'Retry-After': retryAfter } : {}),
  },
})
