/** The problem document of what is refused before any route runs: too slow, not to be parsed, one connection too many. */
import type { PlainAnswer } from '../http/connection-error.ts'
import type { ProblemCode } from './problem.ts'

/** Codes that no route has. */
export const plainCodes = ['RequestTimeout', 'HeadersTooLarge', 'TooManyConnections'] as const

type Words = { code: (typeof plainCodes)[number] | ProblemCode; title: string; detail: string }

const words: Readonly<Record<number, Words>> = {
  408: { code: 'RequestTimeout', title: 'Too slow', detail: 'The request did not arrive in time.' },
  413: { code: 'EntityTooLarge', title: 'Too large', detail: 'A chunk extension is too long.' },
  431: {
    code: 'HeadersTooLarge',
    title: 'Headers too large',
    detail: 'The request line and its headers may have 16 KB together.',
  },
  503: {
    code: 'TooManyConnections',
    title: 'Too many connections',
    detail: 'There are too many connections. Use fewer, or try again in a moment.',
  },
}
const notUnderstood: Words = {
  code: 'BadRequest',
  title: 'Bad request',
  detail: 'The request could not be understood.',
}
/** Seconds after which a connection that was refused may be tried again. */
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
