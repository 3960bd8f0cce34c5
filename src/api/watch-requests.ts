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
  return (res, { user, admin, lastId }) => {
    const isTheirs = async (request: LoggedRequest): Promise<boolean> =>
      request.user === user || (await ownerOf(request.bucket, request.key)) === user
    streams.open(res, { user, lastId, maySee: admin ? () => true : isTheirs })
  }
}
