import type { IncomingMessage } from 'node:http'

/** Requests rejected before routing. Each protocol chooses its own wording for the code. */
export type RefusalCode = 'BadRequest' | 'InvalidTarget' | 'MethodNotAllowed' | 'NotImplemented' | 'ExpectationFailed'

export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
  readonly code: RefusalCode
  constructor(code: RefusalCode, message: string) {
    super(message)
    this.code = code
  }
}

/** The RFC 9110 status of each refusal. */
export const refusalStatus = {
  BadRequest: 400,
  InvalidTarget: 400,
  MethodNotAllowed: 405,
  NotImplemented: 501,
  ExpectationFailed: 417,
} as const satisfies Record<RefusalCode, number>

// Everything except printable ASCII. Other bytes have no defined meaning, and `#` is never sent.
const invalidInTarget = /[^\x21-\x7e]|#/
const unknownMethods = new Set(['TRACE', 'TRACK', 'CONNECT'])

/**
 * Rejects requests that Node's parser accepts but two servers could interpret differently (RFC 9112 §3.2, §6.1):
 * several Host or Authorization headers, an absolute-form target, a fragment, or transfer codings other than exactly
 * `chunked`.
 */
export function guardRequest(req: IncomingMessage): void {
  if (unknownMethods.has(req.method ?? '')) {
    throw new RequestRefused('MethodNotAllowed', `The method ${req.method} is not allowed.`)
  }
  const target = req.url ?? ''
  if (!target.startsWith('/')) {
    throw new RequestRefused('InvalidTarget', 'The request target must be a path that starts with a slash.')
  }
  if (invalidInTarget.test(target)) {
    throw new RequestRefused('InvalidTarget', 'The request target contains characters that must be percent-encoded.')
  }
  if (!/^(?:100-continue)?$/i.test(req.headers.expect ?? '')) {
    throw new RequestRefused('ExpectationFailed', 'The only supported expectation is 100-continue.')
  }
  const hosts = valuesOf(req, 'host')
  if (hosts.length === 0 && req.httpVersion !== '1.0')
    throw new RequestRefused('BadRequest', 'The request has no Host header.')
  if (hosts.length > 1) throw new RequestRefused('BadRequest', 'The request has more than one Host header.')
  if (hosts[0]?.trim() === '') throw new RequestRefused('BadRequest', 'The Host header is empty.')
  // Node uses the first one, but a proxy may use the last.
  if (valuesOf(req, 'authorization').length > 1)
    throw new RequestRefused('BadRequest', 'The request has more than one Authorization header. Send one.')
  const codings = valuesOf(req, 'transfer-encoding')
  const applied = codings
    .join(',')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
  if (codings.length > 0 && applied.at(-1) !== 'chunked') {
    throw new RequestRefused('BadRequest', 'The last transfer coding must be chunked.')
  }
  if (codings.length > 0 && applied.length > 1) {
    throw new RequestRefused('NotImplemented', 'The only supported transfer coding is chunked.')
  }
  if (codings.length > 0 && req.httpVersion === '1.0') {
    throw new RequestRefused('BadRequest', 'HTTP/1.0 does not support transfer codings.')
  }
}

function valuesOf(req: IncomingMessage, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    if (req.rawHeaders[i]?.toLowerCase() === name) values.push(req.rawHeaders[i + 1] ?? '')
  }
  return values
}
