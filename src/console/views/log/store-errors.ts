/**
 * With direct URLs the bucket answers, and this server never sees the request. The page's own uploads report such
 * errors.
 */
import type { UploadItem } from '../../../react/index.ts'
import { uploads } from '../../uploads.ts'
import type { LogEntry } from './entry.ts'
import { log } from './log-store.ts'

const logged = new Map<string, unknown>()

/** Adds the bucket's errors for this page's uploads to the log. Returns a function that stops it. */
export function logStoreErrors(): () => void {
  const look = (): void => {
    const found: LogEntry[] = []
    for (const item of uploads.getSnapshot().items) {
      if (!item.error?.status || logged.get(item.id) === item.error) continue
      logged.set(item.id, item.error)
      if (isTheStores(item)) found.push(entryOf(item))
    }
    log.add(found)
  }
  look()
  return uploads.subscribe(look)
}

/** The server already logs its own errors. These are codes that only a store returns. */
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
        'The bucket refused this request, not this server. Run `postern doctor` to check its credentials, clock and CORS rules.',
      headers: [],
      explanation: null,
    },
  }
}
