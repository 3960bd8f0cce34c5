/** The audit log (`log.audit`): one JSON line per request with user, object and outcome. */
import { openLineFile } from './append-lines.ts'
import type { Logger } from '../log.ts'
import type { RequestEvent, RequestSink } from './request-event.ts'

export type AuditLog = { readonly dropped: number; note: RequestSink; close(): Promise<void> }

/** Requests without an actor: pages, assets and health checks. */
const withoutActor =
  /^(?:GET|HEAD|OPTIONS) (?:none|page|\/healthz|\/readyz|\/metrics|\/openapi\.json|\/console\/)|^OPTIONS /

/**
 * Appends to `path`, created with mode 0600. Lines are buffered briefly, and `close` writes them out. While the disk
 * is full, lines stay in memory and requests continue. Errors: those of opening the file.
 */
export function openAuditLog(path: string, log: Pick<Logger, 'error' | 'info'>): AuditLog {
  const lines = openLineFile(path, { name: 'log.audit', log })
  return {
    note(request) {
      if (!withoutActor.test(`${request.method} ${request.operation}`))
        lines.append(`${JSON.stringify(lineOf(request))}\n`)
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
