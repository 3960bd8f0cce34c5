/** The words for what is refused before any route runs: too slow, not to be parsed, one connection too many. */
import type { PlainAnswer } from '../http/connection-error.ts'
import { errorBody, hostId } from './error-response.ts'

type Words = { code: string; message: string }

const words: Readonly<Record<number, Words>> = {
  408: {
    code: 'RequestTimeout',
    message: 'Your socket connection to the server was not read from or written to within the timeout period.',
  },
  413: { code: 'EntityTooLarge', message: 'A chunk extension is too long.' },
  431: { code: 'RequestHeaderSectionTooLarge', message: 'The request line and its headers may have 16 KB together.' },
  503: { code: 'SlowDown', message: 'There are too many connections. Use fewer, or try again in a moment.' },
}
const notUnderstood: Words = { code: 'BadRequest', message: 'The request could not be understood.' }
/** Seconds after which a connection that was refused may be tried again. */
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
