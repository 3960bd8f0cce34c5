import type { Logger } from '../log.ts'
import type { DetailsUrl } from './advice.ts'
import { shortTarget } from './logger.ts'
import type { RequestSink } from './request-event.ts'

/** Logs one line per answered request. `detailsUrl` is the console's page about a refused request. */
export const createAccessLog =
  (log: Logger, detailsUrl: DetailsUrl | null = null): RequestSink =>
  (event) => {
    if (!log.isLevelEnabled('info')) return
    const entry = {
      requestId: event.requestId,
      method: event.method,
      url: shortTarget(event.target),
      status: event.status ?? 0,
      ms: Math.round(event.ms * 10) / 10,
      ip: event.ip,
      user: event.user ?? undefined,
      keyOwner: event.keyOwner ?? undefined,
      code: event.refusal?.code,
      reason: event.refusal?.message,
      details: event.refusal === null ? undefined : detailsUrl?.(event.requestId),
      aborted: event.status === null || event.outcome === 'aborted' ? true : undefined,
    }
    if (event.outcome === 'failed') log.error(entry, 'answered')
    else log.info(entry, 'answered')
  }
