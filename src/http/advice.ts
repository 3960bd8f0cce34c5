/** Advice in the headers of refused requests, in development mode only. */
import type { ServerResponse } from 'node:http'

const adviceHeader = 'x-postern-advice'

/** The page of the console about one request. */
export type DetailsUrl = (requestId: string) => string

/**
 * Sets the header, and lets pages of other origins read it if they may read the response. Characters that a header
 * cannot carry become "?".
 */
export function setAdvice(res: ServerResponse, advice: string): void {
  res.setHeader(adviceHeader, advice.replace(/[^\x20-\x7e]/g, '?'))
  if (!res.hasHeader('access-control-allow-origin')) return
  const exposed = res.getHeader('access-control-expose-headers')
  const names = exposed === undefined ? adviceHeader : `${String(exposed)}, ${adviceHeader}`
  res.setHeader('access-control-expose-headers', names)
}
