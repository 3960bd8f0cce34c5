/** Who did what to which object, and how it ended: one JSON line a request, for `log.audit`. */
import { openLineFile } from './append-lines.ts'
import type { Logger } from '../log.ts'
import type { RequestEvent, RequestSink } from './request-event.ts'

export type AuditLog = { readonly dropped: number; note: RequestSink; close(): Promise<void> }

/** What nobody is to answer for: pages, their parts, and questions after the server's health. */
const unasked = /^(?:GET|HEAD|OPTIONS) (?:none|page|\/healthz|\/readyz|\/metrics|\/openapi\.json|\/console\/)|^OPTIONS /

/**
 * Appends to `path`, for the owner's eyes alone (mode 0600). Lines are buffered for a moment at most, and written out
 * by `close`. While the disk is full they wait, and requests go on. Errors: those of opening it.
 */
export function openAuditLog(path: string, log: Pick<Logger, 'error' | 'info'>): AuditLog {
  const lines = openLineFile(path, { name: 'log.audit', log })
  return {
    note(request) {
      if (!unasked.test(`${request.method} ${request.operation}`)) lines.append(`${JSON.stringify(lineOf(request))}\n`)
    },
    close: () => lines.close(),
    get dropped() {
      return lines.dropped
    },
  }
}

function lineOf(o: RequestEvent): Record<string, unknown> {
  return {
    time: new Date().toISOString(),
    requestId: o.requestId,
    ip: o.ip,
    who: o.user,
    keyOwner: o.keyOwner ?? undefined,
    app: o.app,
    what: `${o.method} ${o.operation}`,
    bucket: o.bucket ?? undefined,
    key: o.key ?? undefined,
    file: o.file ?? undefined,
    outcome: o.outcome,
    status: o.status,
    code: o.refusal?.code,
  }
}
