/** Who did what to which object, and how it ended: one JSON line a request, for `log.audit`. */
import { mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { pino } from 'pino'
import type { Logger } from './logger.ts'
import { outcomeOf, type ObservedRequest, type Observer } from './observe-requests.ts'

export type AuditLog = { note: Observer; close(): void }

/** What nobody is to answer for: pages, their parts, and questions after the server's health. */
const unasked = /^(?:GET|HEAD|OPTIONS) (?:none|page|\/healthz|\/readyz|\/metrics|\/openapi\.json|\/console\/)|^OPTIONS /

/** Characters that wait for a disk that is full; what comes beyond them is lost. */
const maxWaiting = 8 * 1024 * 1024

/**
 * Appends to `path`, for the owner's eyes alone (mode 0600). Lines are buffered for a moment at most, and written out
 * by `close`. While the file cannot be written, lines wait and requests go on. Errors: those of opening it.
 */
export function openAuditLog(path: string, log: Pick<Logger, 'error' | 'info'>): AuditLog {
  mkdirSync(dirname(path), { recursive: true })
  const file = openSync(path, 'a', 0o600)
  const destination = pino.destination({ dest: file, sync: false, maxLength: maxWaiting })
  let failing = false
  let lost = 0
  // Without a listener a full disk would end the process.
  destination.on('error', (err: Error) => {
    if (!failing) log.error({ err }, 'log.audit cannot be written')
    failing = true
  })
  destination.on('drop', () => lost++)
  destination.on('drain', () => {
    if (failing) log.info({ lost }, 'log.audit is written again')
    failing = false
    lost = 0
  })
  return {
    note(request) {
      if (!unasked.test(`${request.method} ${request.route}`)) destination.write(`${JSON.stringify(lineOf(request))}\n`)
    },
    close() {
      try {
        destination.flushSync()
        destination.end()
      } catch (err) {
        log.error({ err }, 'the last lines of log.audit could not be written')
        destination.destroy()
      }
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
