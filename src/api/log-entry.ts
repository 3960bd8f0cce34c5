/** A request as the console shows it. Contains no credentials and nothing derived from a secret. */
import { isSecretName, maskTarget, maskText, maskValue } from '../http/logger.ts'
import type { Refusal } from '../http/request-event.ts'
import { maxTarget, type LoggedRequest } from '../http/request-log.ts'
import type { EntryRefusal, Explanation, LogEntry } from './contract.ts'

/** Headers worth showing. The others are the browser's own or credentials. */
const shownHeaderPattern = /^(?:host|range|if-|content-|x-amz-|origin$|expect$)/i
const maxHeaders = 50
/** Characters of target and headers. Longer requests are not explained, because the log may have truncated them. */
const maxExplained = 8192

type Explain = (
  request: { method: string; target: string; rawHeaders: readonly string[] },
  at: Date,
) => Explanation | null

/** `explain` is called only for refusals with a signature, and may return null. */
export function logEntry(request: LoggedRequest, o: { id: string; explain: Explain | null }): LogEntry {
  const target = maskTarget(request.target)
  return {
    id: o.id,
    time: new Date(request.at).toISOString(),
    app: request.app,
    method: request.method,
    path: target.split('?', 1)[0]!,
    target,
    bucket: request.bucket,
    // API requests have no key here, so that the upload request and the transfer of the bytes are not shown under one
    // name.
    key: request.app === 'objects' ? request.key : null,
    outcome: request.outcome,
    status: request.status,
    ms: Math.round(request.ms * 10) / 10,
    size: request.size,
    user: request.user,
    keyOwner: request.keyOwner,
    requestId: request.requestId,
    refusal: request.refusal && refusalOf(request, request.refusal, o.explain),
  }
}

function refusalOf(request: LoggedRequest, { code, message, advice }: Refusal, explain: Explain | null): EntryRefusal {
  const explanation = explain && explained(request, explain)
  return {
    code,
    message: maskText(message),
    advice: explanation?.difference?.advice ?? advice,
    headers: request.rawHeaders ? shownHeaders(request.rawHeaders) : [],
    explanation,
  }
}

/** Only requests refused for their signature are explained. */
function explained({ method, target, rawHeaders, at }: LoggedRequest, explain: Explain): Explanation | null {
  if (!rawHeaders || !isSigned(target, rawHeaders) || isLong(target, rawHeaders)) return null
  const explanation = explain({ method, target, rawHeaders }, new Date(at))
  return explanation?.outcome === 'refused' ? (maskValue(withoutCredentials(explanation)) as Explanation) : null
}

const isSigned = (target: string, rawHeaders: readonly string[]): boolean =>
  /[?&]x-amz-/i.test(target) || rawHeaders.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'authorization')

const isLong = (target: string, rawHeaders: readonly string[]): boolean =>
  target.length >= maxTarget || rawHeaders.reduce((sum, text) => sum + text.length, target.length) > maxExplained

/** Removes signed cookies and tokens. */
const withoutCredentials = (explanation: Explanation): Explanation => ({
  ...explanation,
  rows: explanation.rows.map((row) =>
    row.name !== null && isSecretName(row.name) ? { ...row, signed: row.signed && '…', sent: row.sent && '…' } : row,
  ),
})

function shownHeaders(rawHeaders: readonly string[]): [string, string][] {
  const shown: [string, string][] = []
  for (let i = 0; i + 1 < rawHeaders.length && shown.length < maxHeaders; i += 2) {
    const name = rawHeaders[i]!
    if (!shownHeaderPattern.test(name)) continue
    shown.push([name.toLowerCase(), isSecretName(name) ? '…' : maskText(rawHeaders[i + 1]!).slice(0, 1024)])
  }
  return shown
}
