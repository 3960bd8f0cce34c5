/** State that the steps of one upload share across pauses and retries. */
import type { Api, Begin, Grant } from './api.ts'
import type { Monitor } from './monitor.ts'
import { withRetries } from './retry.ts'
import type { SignedUrl } from './send.ts'
import type { Source } from './source.ts'
import type { Checksum, ResumeRecord, UploadOptions, UploadState } from './types.ts'
import { UploadError } from './upload-error.ts'

export interface Timeouts {
  stall: number
  answer: number
  offline: number
}

export interface OpenParts {
  id: string
  partSize: number
  /** Part numbers that the store has. */
  stored: Set<number>
  urls: Map<number, SignedUrl>
  record: ResumeRecord | null
}

/** The server's state of the upload. Survives a pause and a temporary error. */
export interface Session {
  checksum?: Checksum
  single?: { grant: Grant; url: SignedUrl | null; isSent: boolean }
  parts?: OpenParts
  /** The unfinished upload of an earlier visit to resume. */
  record?: ResumeRecord
  startedOver?: boolean
  hashedAgain?: boolean
}

export interface Job {
  api: Api
  source: Source
  options: UploadOptions
  monitor: Monitor
  session: Session
  signal: AbortSignal
  timeouts: Timeouts
}

/** Calls the API until it succeeds or fails permanently. */
export function call<T>(job: Job, state: UploadState, request: () => Promise<T>): Promise<T> {
  const { monitor, signal, timeouts } = job
  // Keep the state `paused`.
  signal.throwIfAborted()
  monitor.set({ state })
  return withRetries(request, {
    signal,
    offlineTimeout: timeouts.offline,
    report: (what, why) => monitor.waits(what, state, why),
  })
}

export function begin({ source, options, session }: Job): Begin {
  const { visibility, metadata } = options
  return {
    filename: source.name,
    size: source.size,
    ...(source.type ? { mimeType: source.type } : {}),
    ...(session.checksum ? { checksum: session.checksum } : {}),
    ...(visibility ? { visibility } : {}),
    ...(metadata ? { metadata } : {}),
  }
}

/** The upload no longer exists: it expired, was aborted, or the store lost it. */
export const isGone = (error: unknown): boolean =>
  error instanceof UploadError && (error.status === 404 || error.s3Code === 'NoSuchUpload')

/** If the last step is refused, the whole file is refused. */
export function confirmFailed(error: unknown): unknown {
  if (!(error instanceof UploadError) || error.code !== 'server') return error
  return new UploadError('confirm-failed', error.message, { ...error, cause: error })
}
