/** Who did what to which object, and how it ended: one JSON line a request, for `log.audit`. */
import { pino } from 'pino'
import { outcomeOf, type ObservedRequest, type Observer } from './observe-requests.ts'

export type AuditLog = { note: Observer; close(): void }

/** What nobody is to answer for: pages, their parts, and questions after the server's health. */
const unasked = /^(?:GET|HEAD|OPTIONS) (?:none|page|\/healthz|\/readyz|\/metrics|\/openapi\.json|\/console\/)|^OPTIONS /

/**
 * Appends to `path`, for the owner's eyes alone (mode 0600). Lines are buffered for a moment at most, and written out
 * by `close`.
 */
export function openAuditLog(path: string): AuditLog {
  const destination = pino.destination({ dest: path, append: true, mkdir: true, sync: false, mode: 0o600 })
  return {
    note(request) {
      if (!unasked.test(`${request.method} ${request.route}`)) destination.write(`${JSON.stringify(lineOf(request))}\n`)
    },
    close() {
      destination.flushSync()
      destination.end()
    },
  }
}

function lineOf(o: ObservedRequest): Record<string, unknown> {
  return {
    time: new Date().toISOString(),
    requestId: o.requestId,
    ip: o.ip,
    who: o.user,
    app: o.app,
    what: `${o.method} ${o.route}`,
    bucket: o.bucket ?? undefined,
    key: o.key ?? undefined,
    file: o.file ?? undefined,
    outcome: outcomeOf(o.status),
    status: o.status,
    code: o.refusal ?? undefined,
  }
}
