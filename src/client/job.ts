/** What the steps of one upload share, over pauses and retries. */
import type { Api, Begin, Grant } from './api.ts'
import type { Monitor } from './monitor.ts'
import { persist } from './retry.ts'
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
  /** Numbers of the parts that the store has. */
  stored: Set<number>
  urls: Map<number, SignedUrl>
  record: ResumeRecord | null
}

/** What is known of the upload on the server; survives a pause and an error that may pass. */
export interface Session {
  checksum?: Checksum
  single?: { grant: Grant; url: SignedUrl | null; isSent: boolean }
  parts?: OpenParts
  /** What an earlier visit began and is to go on. */
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

/** An API call, until it succeeds or fails for good. */
export function call<T>(job: Job, state: UploadState, request: () => Promise<T>): Promise<T> {
  const { monitor, signal, timeouts } = job
  // A paused upload keeps saying so.
  signal.throwIfAborted()
  monitor.set({ state })
  return persist(request, {
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

/** The upload is not there any more: it expired, was aborted, or the store lost it. */
export const isGone = (error: unknown): boolean =>
  error instanceof UploadError && (error.status === 404 || error.s3Code === 'NoSuchUpload')

/** A refusal of the last step is one of the whole file. */
export function confirmFailed(error: unknown): unknown {
  if (!(error instanceof UploadError) || error.code !== 'server') return error
  return new UploadError('confirm-failed', error.message, { ...error, cause: error })
}
