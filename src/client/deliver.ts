import type { Job } from './job.ts'
import type { Lane } from './monitor.ts'
import { persist } from './retry.ts'
import { sockets } from './gate.ts'
import { send, type SignedUrl } from './send.ts'
import { UploadError } from './upload-error.ts'

/** A URL that is refused as expired as soon as it is signed points to a clock that is wrong. */
const maxRenewals = 5

export interface Delivery {
  body: Blob
  lane: Lane
  /** A URL that is good for now. */
  sign(): Promise<SignedUrl>
  /** The URL was refused as expired. */
  discard(): void
}

/** Brings some bytes to the store, whatever happens on the way. Throws what cannot be helped. */
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
        // The store may hide a refusal from pages of other origins, as Ceph does: that of an expired URL, perhaps.
        if (code === 'network' || code === 'expired') o.discard()
        if (code !== 'expired' || ++renewals > maxRenewals) throw error
        o.lane.phase('signing', error)
      }
    }
  }
  return persist(attempt, {
    signal,
    offlineTimeout: timeouts.offline,
    report: (what, why) => o.lane.phase(what === 'attempting' ? 'signing' : what, why),
  })
}

async function transmit({ signal, source, timeouts }: Job, { body, lane, sign }: Delivery): Promise<void> {
  // The place before the URL: none grows old in the queue.
  const leave = await sockets.enter(signal)
  try {
    signal.throwIfAborted()
    // A request that fails because the file cannot be read looks like a lost connection: the next attempt finds out here.
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
      throw isLate(error, to) ? new UploadError('expired', error.message, error) : error
    })
  } finally {
    leave()
  }
}

/** Some stores refuse an expired URL without saying why. */
const isLate = (error: unknown, to: SignedUrl): error is UploadError =>
  error instanceof UploadError && error.status === 403 && performance.now() > to.expiresAt
