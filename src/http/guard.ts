import type { IncomingMessage } from 'node:http'

/** Requests that no route should see; each protocol words its own answer from the code. */
export type RefusalCode = 'BadRequest' | 'InvalidTarget' | 'MethodNotAllowed' | 'NotImplemented' | 'ExpectationFailed'

export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
  readonly code: RefusalCode
  constructor(code: RefusalCode, message: string) {
    super(message)
    this.code = code
  }
}

/** RFC 9110 status of each refusal. */
export const refusalStatus = {
  BadRequest: 400,
  InvalidTarget: 400,
  MethodNotAllowed: 405,
  NotImplemented: 501,
  ExpectationFailed: 417,
} as const satisfies Record<RefusalCode, number>

// Everything but printable ASCII: a raw byte above it has no one meaning, and `#` never belongs on the wire.
const oddTarget = /[^\x21-\x7e]|#/
const unknownMethods = new Set(['TRACE', 'TRACK', 'CONNECT'])

/**
 * Refuses what Node's parser accepts although two servers could read it differently (RFC 9112 §3.2, §6.1): several
 * Host or Authorization headers, a target in absolute form, a fragment, codings other than exactly `chunked`.
 */
export function guardRequest(req: IncomingMessage): void {
  if (unknownMethods.has(req.method ?? '')) {
    throw new RequestRefused('MethodNotAllowed', `The method ${req.method} is not allowed.`)
  }
  const target = req.url ?? ''
  if (!target.startsWith('/')) {
    throw new RequestRefused('InvalidTarget', 'The request target must be a path that begins with a slash.')
  }
  if (oddTarget.test(target)) {
    throw new RequestRefused('InvalidTarget', 'The request target holds characters that must be percent-encoded.')
  }
  if (!/^(?:100-continue)?$/i.test(req.headers.expect ?? '')) {
    throw new RequestRefused('ExpectationFailed', 'The only expectation understood is 100-continue.')
  }
  const hosts = valuesOf(req, 'host')
  if (hosts.length === 0 && req.httpVersion !== '1.0')
    throw new RequestRefused('BadRequest', 'The request has no Host header.')
  if (hosts.length > 1) throw new RequestRefused('BadRequest', 'The request has more than one Host header.')
  if (hosts[0]?.trim() === '') throw new RequestRefused('BadRequest', 'The Host header is empty.')
  // Node keeps the first, a proxy may judge by the last.
  if (valuesOf(req, 'authorization').length > 1)
    throw new RequestRefused('BadRequest', 'The request has more than one Authorization header. Send one.')
  const codings = valuesOf(req, 'transfer-encoding')
  const applied = codings
    .join(',')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
  if (codings.length > 0 && applied.at(-1) !== 'chunked') {
    throw new RequestRefused('BadRequest', 'The last transfer coding of a request must be chunked.')
  }
  if (codings.length > 0 && applied.length > 1) {
    throw new RequestRefused('NotImplemented', 'The only transfer coding understood is chunked.')
  }
  if (codings.length > 0 && req.httpVersion === '1.0') {
    throw new RequestRefused('BadRequest', 'HTTP/1.0 knows no transfer codings.')
  }
}

function valuesOf(req: IncomingMessage, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    if (req.rawHeaders[i]?.toLowerCase() === name) values.push(req.rawHeaders[i + 1] ?? '')
  }
  return values
}
