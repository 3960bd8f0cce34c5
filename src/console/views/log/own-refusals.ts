/** With a bucket behind direct URLs the bucket refuses, and this server never hears of it: this page's uploads do. */
import type { UploadItem } from '../../../react/index.ts'
import { uploads } from '../../uploads.ts'
import type { LogEntry } from './entry.ts'
import { log } from './log-store.ts'

const told = new Map<string, unknown>()

/** Takes what the bucket refused to this page's uploads into the log; returns how to stop. */
export function takeOwnRefusals(): () => void {
  const look = (): void => {
    const found: LogEntry[] = []
    for (const item of uploads.getSnapshot().items) {
      if (!item.error?.status || told.get(item.id) === item.error) continue
      told.set(item.id, item.error)
      if (isTheStores(item)) found.push(entryOf(item))
    }
    log.add(found)
  }
  look()
  return uploads.subscribe(look)
}

/** What the API refused stands in the server's own log already: there codes of a store are not known. */
const storeCodes =
  /^(AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId|RequestTimeTooSkewed|ExpiredToken|PreconditionFailed|EntityTooLarge|BadDigest|XAmz\w+|Authorization\w+|NoSuchBucket|NoSuchUpload|InvalidPart\w*|RequestTimeout|SlowDown|InternalError|ServiceUnavailable)$/
const isTheStores = ({ error, fileId }: UploadItem): boolean => fileId !== null && storeCodes.test(error?.s3Code ?? '')

function entryOf({ id, name, size, error }: UploadItem): LogEntry {
  const status = error?.status ?? null
  return {
    id: `page-${id}-${Date.now()}`,
    time: new Date().toISOString(),
    app: 'store',
    method: 'PUT',
    path: name,
    target: name,
    bucket: null,
    key: null,
    outcome: status !== null && status >= 500 ? 'failed' : 'refused',
    status,
    ms: null,
    size,
    user: null,
    keyOwner: null,
    requestId: error?.requestId ?? '',
    refusal: {
      code: error?.s3Code ?? '',
      message: error?.message ?? '',
      advice:
        'The bucket refused this, not this server. `postern doctor` checks its credentials, clock and CORS rules.',
      headers: [],
      explanation: null,
    },
  }
}
