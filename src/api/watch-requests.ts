import type { ServerResponse } from 'node:http'
import type { LoggedRequest } from '../http/request-log.ts'
import type { ApiDeps } from './deps.ts'
import { createOwnerOfKey } from './key-owners.ts'
import { createRequestStreams } from './request-stream.ts'

/** Streams requests to one reader. Errors: TooManyRequests. */
export type WatchRequests = (res: ServerResponse, who: { user: string; admin: boolean; lastId: string }) => void

/**
 * A user sees the requests that proved to be theirs, and those about keys of their own uploads, whoever sent them: a
 * presigned URL says nothing of who holds it. Administrators see all.
 */
export function createWatchRequests(deps: Pick<ApiDeps, 'requests' | 'explain' | 'catalog' | 'config'>): WatchRequests {
  const streams = createRequestStreams({ log: deps.requests, explain: deps.explain })
  const ownerOf = createOwnerOfKey({ catalog: deps.catalog, bucket: deps.config.storage.bucket })
  // Asked once for all readers: a flood of made-up keys costs one look each.
  const asked = new WeakMap<LoggedRequest, Promise<string | null>>()
  const ownerOfRequest = (request: LoggedRequest): Promise<string | null> => {
    const known = asked.get(request)
    if (known) return known
    const asking = ownerOf(request.bucket, request.key)
    asked.set(request, asking)
    asking.catch(() => asked.delete(request))
    return asking
  }
  return (res, { user, admin, lastId }) => {
    // An S3 key's owner of the same name is somebody else.
    const isTheirs = async (request: LoggedRequest): Promise<boolean> =>
      request.user === user || (await ownerOfRequest(request)) === user
    streams.open(res, { user, admin, lastId, maySee: admin ? () => true : isTheirs })
  }
}
