/** Upload in one request: grant, bytes, confirmation. */
import { signedUrl } from './api.ts'
import { sha256 } from './checksum.ts'
import { deliver } from './deliver.ts'
import { begin, call, confirmFailed, isGone, type Job } from './job.ts'
import type { SignedUrl } from './send.ts'
import type { FileRecord } from './types.ts'
import { UploadError } from './upload-error.ts'

export async function uploadSingle(job: Job): Promise<FileRecord> {
  const { session } = job
  for (;;) {
    try {
      if (job.options.checksum !== 'never') await addChecksum(job)
      await sendBytes(job)
      return await confirm(job)
    } catch (error) {
      if (job.signal.aborted) throw error
      if (isGone(error) && !session.startedOver) session.startedOver = true
      else if (isBadDigest(error) && !session.hashedAgain) restartWithNewHash(job)
      else throw error
      delete session.single
      job.monitor.restart()
    }
  }
}

const isBadDigest = (error: unknown): boolean => error instanceof UploadError && error.code === 'checksum'

/** The grant is bound to the checksum, so a new checksum needs a new grant. */
function restartWithNewHash({ api, session }: Job): void {
  session.hashedAgain = true
  delete session.checksum
  if (session.single) api.remove(session.single.grant.id).catch(() => undefined)
}

/** Stores the checksum in the session if it is wanted and can be computed. */
export async function addChecksum({ monitor, options, session, signal, source }: Job): Promise<void> {
  if (session.checksum) return
  monitor.set({ state: 'hashing' })
  const digest = (): Promise<string> => sha256(source.slice(0, source.size), signal)
  try {
    // A browser that ends a page's requests also ends its reads, so check the file before reporting it as changed.
    const value = await digest().catch(() => source.check().then(digest))
    session.checksum = { algorithm: 'sha256', value }
  } catch (error) {
    const isUnavailable = error instanceof UploadError && error.code === 'checksum'
    if (!isUnavailable || options.checksum === 'always') throw error
  }
}

async function sendBytes(job: Job): Promise<void> {
  const { api, monitor, session, source } = job
  if (!session.single) {
    const askedAt = performance.now()
    // Not stopped by a pause or cancel, because the client must learn what the server granted.
    const grant = await call(job, 'signing', () => api.begin(begin(job)))
    session.single = { grant, url: signedUrl({ ...grant, url: grant.uploadUrl }, askedAt), isSent: false }
    monitor.set({ fileId: grant.id })
    job.signal.throwIfAborted()
  }
  const { single } = session
  if (single.isSent) return
  const lane = monitor.lane()
  monitor.stored(0)
  try {
    await deliver(job, {
      body: source.slice(0, source.size),
      lane,
      sign: () => signOnce(job, lane.phase),
      discard: () => void (single.url = null),
    }).catch((error: unknown) => {
      // Already confirmed or stored. The server decides what happened to it.
      if (!(error instanceof UploadError && error.status === 409)) throw error
    })
    single.isSent = true
    lane.done(source.size)
  } finally {
    lane.close()
  }
}

async function signOnce({ api, session, signal }: Job, report: (phase: 'signing') => void): Promise<SignedUrl> {
  const single = session.single!
  if (single.url && performance.now() < single.url.renewAt) return single.url
  report('signing')
  const askedAt = performance.now()
  const renewed = await api.renew(single.grant.id, signal)
  return (single.url = signedUrl({ ...renewed, url: renewed.uploadUrl }, askedAt))
}

async function confirm(job: Job): Promise<FileRecord> {
  const { api, session, source, signal } = job
  await source.check()
  try {
    return await call(job, 'confirming', () => api.confirm(session.single!.grant.id, signal))
  } catch (error) {
    throw isGone(error) ? error : confirmFailed(error)
  }
}
