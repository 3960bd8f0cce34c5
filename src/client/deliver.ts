import type { Job } from './job.ts'
import type { Lane } from './monitor.ts'
import { withRetries } from './retry.ts'
import { sockets } from './semaphore.ts'
import { send, type SignedUrl } from './send.ts'
import { UploadError } from './upload-error.ts'

/** If a URL is refused as expired right after signing, a clock is wrong. Stop after this many renewals. */
const maxRenewals = 5

export interface Delivery {
  body: Blob
  lane: Lane
  /** Returns a URL that is currently valid. */
  sign(): Promise<SignedUrl>
  /** Drops a URL that was refused as expired. */
  discard(): void
}

/** Uploads bytes to the store. Retries and renews URLs as needed, throws on permanent errors. */
export function deliver(job: Job, o: Delivery): Promise<void> {
  const { signal, timeouts } = job
  let renewals = 0
  const attempt = async (): Promise<void> => {
    for (;;) {
      try {
        return await transmit(job, o)
      } catch (error) {
        if (!(error instanceof UploadError) || signal.aborted) throw error
        const { code } = error
        // Stores such as Ceph omit CORS headers on refusals, so an expired URL may look like a network error.
        if (code === 'network' || code === 'expired') o.discard()
        if (code !== 'expired' || ++renewals > maxRenewals) throw error
        o.lane.phase('signing', error)
      }
    }
  }
  return withRetries(attempt, {
    signal,
    offlineTimeout: timeouts.offline,
    report: (what, why) => o.lane.phase(what === 'attempting' ? 'signing' : what, why),
  })
}

async function transmit({ signal, source, timeouts }: Job, { body, lane, sign }: Delivery): Promise<void> {
  // Wait for a free socket before signing, so that no URL expires in the queue.
  const leave = await sockets.enter(signal)
  try {
    signal.throwIfAborted()
    // A request that fails because the file cannot be read looks like a lost connection. The next attempt detects it
    // here.
    await source.check()
    const to = await sign()
    signal.throwIfAborted()
    lane.phase('sending')
    await send({
      to,
      body,
      signal,
      timeouts,
      onProgress: (bytes) => lane.loaded(bytes),
      onSent: () => {
        lane.loaded(body.size)
        lane.phase('answer')
      },
    }).catch((error: unknown) => {
      throw isExpiredRefusal(error, to) ? new UploadError('expired', error.message, error) : error
    })
  } finally {
    leave()
  }
}

/** Some stores refuse an expired URL without naming the reason. */
const isExpiredRefusal = (error: unknown, to: SignedUrl): error is UploadError =>
  error instanceof UploadError && error.status === 403 && performance.now() > to.expiresAt
