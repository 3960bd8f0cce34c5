/** Problem documents for requests rejected before routing: too slow, malformed, or one connection too many. */
import type { PlainAnswer } from '../http/connection-error.ts'
import type { ProblemCode } from './refusal-advice.ts'

/** Codes that no route uses. */
export const plainCodes = ['RequestTimeout', 'HeadersTooLarge', 'TooManyConnections'] as const

type Words = { code: (typeof plainCodes)[number] | ProblemCode; title: string; detail: string }

const words: Readonly<Record<number, Words>> = {
  408: { code: 'RequestTimeout', title: 'Too slow', detail: 'The request did not arrive in time.' },
  413: { code: 'EntityTooLarge', title: 'Too large', detail: 'A chunk extension is over the limit of 16 KB.' },
  431: {
    code: 'HeadersTooLarge',
    title: 'Headers too large',
    detail: 'The request line and headers are over the limit of 16 KB.',
  },
  503: {
    code: 'TooManyConnections',
    title: 'Too many connections',
    detail: 'Too many connections are open. Use fewer connections, or retry later.',
  },
}
const notUnderstood: Words = {
  code: 'BadRequest',
  title: 'Bad request',
  detail: 'The request is not valid HTTP.',
}
/** Seconds until a rejected connection may be retried. */
const retryAfter = '5'

export const plainProblem: PlainAnswer = (status, requestId) => {
  const { code, title, detail } = words[status] ?? notUnderstood
  const type = `urn:postern:problem:${code}`
  return {
    contentType: 'application/problem+json',
    body: JSON.stringify({ type, title, status, detail, code, requestId, error: detail }),
    headers: {
      'x-request-id': requestId,
      'Cache-Control': 'no-store',
      ...(status === 503 ? { 'Retry-After': retryAfter } : {}),
    },
  }
}
