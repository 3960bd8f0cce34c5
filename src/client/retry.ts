/** When a failed request is tried again, and what it waits for. */
import { UploadError } from './upload-error.ts'

export const maxAttempts = 8
const firstDelay = 0.5
const longestDelay = 30
/** A server that asks for longer is asked again after this. */
const longestRetryAfter = 600
/** `navigator.onLine` can be wrong both ways: without an event the network is tried again after this. */
const offlineProbe = 20

/** Full jitter: anything up to twice as long each time. Seconds; `failures` is 1 after the first. */
export const backoff = (failures: number, random = Math.random): number =>
  random() * Math.min(longestDelay, firstDelay * 2 ** failures)

export interface Patience {
  signal: AbortSignal
  offlineTimeout: number
  /** Tells what is waited for, and why; `attempting` once it goes on. */
  report(what: 'retrying' | 'offline' | 'attempting', why?: UploadError): void
}

/**
 * Runs `attempt` until it succeeds or fails for good. Waiting for the network costs no try. Throws the last error, or
 * the signal's reason.
 */
export async function persist<T>(attempt: () => Promise<T>, o: Patience): Promise<T> {
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
        await wait(retryAfter === undefined ? backoff(failures) : Math.min(retryAfter, longestRetryAfter), o.signal)
      }
    }
    o.report('attempting')
  }
}

const isOffline = (error: UploadError): boolean =>
  (error.code === 'network' || error.code === 'stalled') && !navigator.onLine

const offlineTooLong = (cause: UploadError): UploadError =>
  new UploadError('offline-timeout', 'There was no network for too long.', { retryable: true, cause })

/** Ends early when the network comes back. Rejects with the signal's reason. */
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
