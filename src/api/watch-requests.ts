import type { LoggedRequest } from '../http/request-log.ts'
import type { ApiDeps, WatchRequests } from './deps.ts'
import { createOwnerOfKey } from './key-owners.ts'
import { createRequestStreams } from './request-stream.ts'

/**
 * Users see their own authenticated requests and all requests for keys of their uploads, because a presigned URL does
 * not identify its user. Administrators see all requests.
 */
export function createWatchRequests(deps: Pick<ApiDeps, 'requests' | 'explain' | 'catalog' | 'config'>): WatchRequests {
  const streams = createRequestStreams({ log: deps.requests, explain: deps.explain })
  const ownerOf = createOwnerOfKey({ catalog: deps.catalog, bucket: deps.config.storage.bucket })
  // Cached for all readers, so a flood of invented keys costs one lookup each.
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
    // An access key owner with the same name is not the same user.
    const isTheirs = async (request: LoggedRequest): Promise<boolean> =>
      request.user === user || (await ownerOfRequest(request)) === user
    streams.open(res, { user, admin, lastId, maySee: admin ? () => true : isTheirs })
  }
}
