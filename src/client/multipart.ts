/** Multipart upload. Each part has its own URL and retries, and the store's list decides which parts exist. */
import { signedUrl, type ListedParts } from './api.ts'
import { deliver } from './deliver.ts'
import { maxSockets } from './semaphore.ts'
import { begin, call, confirmFailed, isGone, type Job, type OpenParts } from './job.ts'
import * as records from './resume-records.ts'
import type { SignedUrl } from './send.ts'
import { anySignal } from './signals.ts'
import { addChecksum } from './single.ts'
import type { FileRecord } from './types.ts'
import { UploadError } from './upload-error.ts'

const smallestPart = 8 * 1024 * 1024
/** S3 allows 10,000. The rest is a reserve. */
const maxParts = 9000
/** URLs signed per request. */
const batch = 8
/** Rounds after which missing parts are an error. */
const maxRounds = 3

export const partSizeOf = (size: number): number => Math.max(smallestPart, Math.ceil(size / maxParts))

export async function uploadInParts(job: Job): Promise<FileRecord> {
  const { session } = job
  for (;;) {
    try {
      // Parts that were in flight at the pause may have arrived.
      if (session.parts) await adopt(job, session.parts)
      else session.parts = (await findResumable(job)) ?? (await beginParts(job))
      job.signal.throwIfAborted()
      return await sendAndComplete(job, session.parts)
    } catch (error) {
      if (job.signal.aborted) throw error
      const { parts } = session
      const mayPass = error instanceof UploadError && error.retryable
      if (parts?.record && !mayPass) await records.forget(parts.record)
      if (!isGone(error) || session.startedOver) throw error
      session.startedOver = true
      delete session.parts
      delete session.record
      job.monitor.restart()
    }
  }
}

async function sendAndComplete(job: Job, parts: OpenParts): Promise<FileRecord> {
  const { api, monitor, source, signal } = job
  monitor.set({ fileId: parts.id })
  for (let round = 1; ; round++) {
    await sendMissing(job, parts)
    await source.check()
    try {
      const record = await call(job, 'confirming', () => api.complete(parts.id, signal))
      if (parts.record) await records.forget(parts.record)
      return record
    } catch (error) {
      if (isGone(error) || signal.aborted) throw error
      const lacksParts = error instanceof UploadError && error.s3Code === 'UploadIncomplete'
      if (!lacksParts || round === maxRounds) throw confirmFailed(error)
      await adopt(job, parts)
    }
  }
}

async function beginParts(job: Job): Promise<OpenParts> {
  const { api, options, source } = job
  if (options.checksum === 'always') await addChecksum(job)
  const wanted = partSizeOf(source.size)
  // Not stopped by a pause or cancel, because the client must learn the server's id of the upload.
  const { id, partSize } = await call(job, 'signing', () => api.beginParts({ ...begin(job), partSize: wanted }))
  const record = await records.remember(api.baseUrl, source, { id, partSize })
  return { id, partSize, stored: new Set(), urls: new Map(), record }
}

/** The unfinished upload of this file from an earlier visit, if the server still has it. */
async function findResumable(job: Job): Promise<OpenParts | null> {
  const { api, options, session, source } = job
  if (options.resume === false || session.startedOver) return null
  const record = session.record ?? (await records.claim(api.baseUrl, source))
  if (!record) return null
  session.record = record
  const parts = { id: record.id, partSize: record.partSize, stored: new Set<number>(), urls: new Map(), record }
  try {
    await adopt(job, parts)
    return parts
  } catch (error) {
    if (!isGone(error)) throw error
    delete session.record
    await records.forget(record)
    return null
  }
}

/** Replaces the local state with the store's list. */
async function adopt(job: Job, parts: OpenParts): Promise<void> {
  const { api, signal, source } = job
  const listed = await call(job, 'signing', () => api.listParts(parts.id, signal)).catch((error: unknown) => {
    if (error instanceof UploadError && error.status === 409) return null
    throw error
  })
  const partSize = listed?.partSize ?? parts.partSize
  parts.partSize = partSize
  // Already completed. An earlier response was lost.
  parts.stored = listed ? intact(listed, source.size) : new Set(numbers(partCountOf(source.size, partSize)))
}

const intact = ({ parts, partSize }: ListedParts, size: number): Set<number> =>
  new Set(parts.filter((p) => p.size === lengthOf(p.partNumber, partSize, size)).map((p) => p.partNumber))

const partCountOf = (size: number, partSize: number): number => Math.max(1, Math.ceil(size / partSize))
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)
const lengthOf = (n: number, partSize: number, size: number): number =>
  Math.max(0, Math.min(size, n * partSize) - (n - 1) * partSize)

async function sendMissing(job: Job, parts: OpenParts): Promise<void> {
  const { monitor, source, signal } = job
  const { partSize, stored } = parts
  const total = partCountOf(source.size, partSize)
  const missing = numbers(total).filter((n) => !stored.has(n))
  const bytes = [...stored].reduce((sum, n) => sum + lengthOf(n, partSize, source.size), 0)
  monitor.stored(bytes, { total, size: partSize, stored })

  const stop = new AbortController()
  const laneJob = { ...job, signal: anySignal(signal, stop.signal) }
  const urlOf = signer(laneJob, parts, missing)
  const work = async (): Promise<void> => {
    const lane = monitor.lane()
    try {
      for (let n = missing.shift(); n !== undefined; n = missing.shift()) {
        const number = n
        lane.part(number)
        const body = source.slice((number - 1) * partSize, Math.min(source.size, number * partSize))
        await deliver(laneJob, {
          body,
          lane,
          sign: () => urlOf(number, lane.phase),
          discard: () => void parts.urls.delete(number),
        })
        stored.add(number)
        parts.urls.delete(number)
        lane.done(body.size)
      }
    } catch (error) {
      // A failed part stops the others.
      stop.abort(error)
      throw error
    } finally {
      lane.close()
    }
  }
  await Promise.allSettled(Array.from({ length: Math.min(maxSockets, missing.length) }, work))
  laneJob.signal.throwIfAborted()
}

/** Also signs the next parts, which saves requests. */
function signer(job: Job, parts: OpenParts, missing: readonly number[]) {
  const all = [...missing]
  const asked = new Map<number, Promise<void>>()
  const ask = async (wanted: number[]): Promise<void> => {
    const askedAt = performance.now()
    try {
      const issued = await job.api.issueParts(parts.id, wanted, job.signal)
      for (const part of issued.parts) parts.urls.set(part.partNumber, signedUrl(part, askedAt))
    } finally {
      for (const n of wanted) asked.delete(n)
    }
  }
  const known = (n: number): SignedUrl | undefined => {
    const url = parts.urls.get(n)
    return url && performance.now() < url.renewAt ? url : undefined
  }
  return async (n: number, report: (phase: 'signing') => void): Promise<SignedUrl> => {
    for (;;) {
      const url = known(n)
      if (url) return url
      report('signing')
      if (!asked.has(n)) {
        const next = all.filter((m) => m > n && !parts.stored.has(m) && !known(m) && !asked.has(m)).slice(0, batch - 1)
        const answer = ask([n, ...next])
        for (const m of [n, ...next]) asked.set(m, answer)
      }
      await asked.get(n)
    }
  }
}
