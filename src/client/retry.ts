/** When to retry a failed request, and what to wait for. */
import { UploadError } from './upload-error.ts'

export const maxAttempts = 8
const firstDelay = 0.5
const longestDelay = 30
/** Seconds. A server that asks for a longer wait is retried after this. */
const maxRetryAfter = 600
/** Seconds. `navigator.onLine` is unreliable, so the client retries after this even without an `online` event. */
const offlineProbe = 20

/** Exponential backoff with full jitter, in seconds. `failures` is 1 after the first failure. */
export const backoff = (failures: number, random = Math.random): number =>
  random() * Math.min(longestDelay, firstDelay * 2 ** failures)

export interface RetryOptions {
  signal: AbortSignal
  offlineTimeout: number
  /** Reports what is being waited for and why, and `attempting` when it ends. */
  report(what: 'retrying' | 'offline' | 'attempting', why?: UploadError): void
}

/**
 * Runs `attempt` until it succeeds or fails permanently. Waiting for the network does not count as an attempt. Throws
 * the last error or the signal's reason.
 */
export async function withRetries<T>(attempt: () => Promise<T>, o: RetryOptions): Promise<T> {
  let failures = 0
  let offlineSince: number | null = null
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      o.signal.throwIfAborted()
      if (!(error instanceof UploadError) || !error.retryable) throw error
      if (isOffline(error)) {
        offlineSince ??= Date.now()
        if (Date.now() - offlineSince > o.offlineTimeout * 1000) throw offlineTooLong(error)
        o.report('offline', error)
        await wait(offlineProbe, o.signal)
      } else {
        offlineSince = null
        if (++failures >= maxAttempts) throw error
        o.report('retrying', error)
        const { retryAfter } = error
        await wait(retryAfter === undefined ? backoff(failures) : Math.min(retryAfter, maxRetryAfter), o.signal)
      }
    }
    o.report('attempting')
  }
}

const isOffline = (error: UploadError): boolean =>
  (error.code === 'network' || error.code === 'stalled') && !navigator.onLine

const offlineTooLong = (cause: UploadError): UploadError =>
  new UploadError('offline-timeout', 'The network was unavailable for too long.', { retryable: true, cause })

/** Resolves early when the network returns. Rejects with the signal's reason. */
export async function wait(seconds: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  await new Promise<void>((end) => {
    const listening = { signal: over.signal }
    timer = setTimeout(end, seconds * 1000)
    addEventListener('online', () => end(), listening)
    signal.addEventListener('abort', () => end(), listening)
    if (signal.aborted) end()
  })
  clearTimeout(timer)
  over.abort()
  signal.throwIfAborted()
}
