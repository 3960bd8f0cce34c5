/** Copies the bytes of one file to another store. Compares them during the copy and afterwards. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FileRecord } from '../catalog/catalog.ts'
import { startChecksum, type RunningChecksum } from '../drivers/checksums/checksum.ts'
import type {
  ChecksumAlgorithm,
  ObjectHead,
  ObjectHeaders,
  ObjectRef,
  StorageDriver,
  WrittenObject,
} from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'
import { isComputable, storedChecksum } from '../service/uploads/checksums.ts'
import { versionOf } from '../service/downloads/issue-download.ts'
import type { Pace } from './pace.ts'

export type CopyOptions = {
  from: StorageDriver
  to: StorageDriver
  /** Bytes of a part. Objects larger than four parts use a multipart upload. */
  partSize: number
  pace: Pace
  onBytes: (bytes: number) => void
  signal: AbortSignal
}

/** Larger objects use a multipart upload, so that a retry sends only one part again. */
const partsInOne = 4
const mostParts = 9000

/**
 * Resolves to the new object. Errors: Corrupt if the bytes of either store differ from the record, and those of the stores.
 * After an error, an incomplete copy may remain at `target`.
 */
export async function copyObject(
  o: CopyOptions,
  file: FileRecord,
  target: ObjectRef,
): Promise<{ etag: string; versionId?: string }> {
  const head = await o.from.headObject(file.object, versionOf(file))
  checkHead(file, head)
  const sums = startSums(file)
  const { written, md5 } = await send(o, { file, head, target, sums })
  const digests = new Map([...sums].map(([algorithm, sum]) => [algorithm, sum.digest().toString('base64')] as const))
  const recorded = ofBytes(file)
  if (recorded && digests.get(recorded.algorithm) !== recorded.value) {
    throw damaged(`do not match the recorded ${recorded.algorithm}`)
  }
  const version = written.versionId === undefined ? {} : { versionId: written.versionId }
  await checkCopy(o.to, target, await o.to.headObject(target, version), { length: head.contentLength, md5, digests })
  return { etag: written.etag, ...version }
}

const damaged = (what: string) => new StorageError('Corrupt', { message: `its bytes ${what}` })

function checkHead({ size, object: { etag } }: FileRecord, head: ObjectHead): void {
  if (head.contentLength !== size) {
    throw new StorageError('Corrupt', {
      message: `the object has ${head.contentLength} bytes, but the file has ${size}`,
    })
  }
  if (etag !== undefined && head.etag !== etag) {
    throw new StorageError('Corrupt', { message: 'the object is not the one that was confirmed' })
  }
}

/** Null for a composite checksum, which is a digest of the parts' digests. */
const ofBytes = ({ checksum }: FileRecord) =>
  checksum && checksum.type !== 'COMPOSITE' && !checksum.value.includes('-') ? checksum : null

/** The recorded checksum, and one that the new store can compute. */
function startSums(file: FileRecord): Map<ChecksumAlgorithm, RunningChecksum> {
  const recorded = ofBytes(file)?.algorithm
  const wanted = recorded !== undefined && isComputable(recorded) ? [recorded] : ['sha256' as const, recorded]
  return new Map(wanted.filter((one) => one !== undefined).map((one) => [one, startChecksum(one)]))
}

type Sending = {
  file: FileRecord
  head: ObjectHead
  target: ObjectRef
  sums: ReadonlyMap<ChecksumAlgorithm, RunningChecksum>
}

/** `md5` is the expected ETag if the store uses MD5: that of all bytes, or of the parts' digests. */
async function send(o: CopyOptions, sending: Sending): Promise<{ written: WrittenObject; md5: string }> {
  const { contentLength } = sending.head
  const tags = sending.head.tagCount ? await o.from.getObjectTags(sending.file.object) : undefined
  if (contentLength > Math.min(o.partSize * partsInOne, o.to.limits.maxPutSize)) {
    const sent = await sendParts(o, sending)
    if (tags) await o.to.putObjectTags(sending.target, tags)
    return sent
  }
  const headers = { ...headersOf(sending.head), ...(tags && { tags }) }
  const { signal } = o
  return sendRange(o, sending, {}, contentLength, (body) =>
    o.to.putObject(sending.target, body, { ...headers, contentLength, signal }),
  ).then(({ written, md5 }) => ({ written, md5: md5.toString('hex') }))
}

async function sendParts(o: CopyOptions, sending: Sending): Promise<{ written: WrittenObject; md5: string }> {
  const { target, head } = sending
  const { signal } = o
  const size = Math.max(o.partSize, o.to.limits.minPartSize, Math.ceil(head.contentLength / mostParts))
  const { uploadId } = await o.to.createMultipartUpload(target, headersOf(head))
  const parts: { partNumber: number; etag: string }[] = []
  const all = createHash('md5')
  for (let start = 0; start < head.contentLength; start += size) {
    const end = Math.min(start + size, head.contentLength) - 1
    const partNumber = parts.length + 1
    const contentLength = end - start + 1
    const { written, md5 } = await sendRange(o, sending, { range: { start, end } }, contentLength, (body) =>
      o.to.uploadPart(target, uploadId, partNumber, body, { contentLength, signal }),
    )
    all.update(md5)
    parts.push({ partNumber, etag: written.etag })
  }
  const joined = await o.to.completeMultipartUpload(target, uploadId, parts)
  const contentLength = joined.contentLength ?? (await o.to.headObject(target)).contentLength
  return { written: { ...joined, contentLength }, md5: `${all.digest('hex')}-${parts.length}` }
}

async function sendRange(
  o: CopyOptions,
  { file, head, sums }: Sending,
  range: { range?: { start: number; end: number } },
  length: number,
  write: (body: Readable) => Promise<WrittenObject>,
): Promise<{ written: WrittenObject; md5: Buffer }> {
  const { signal } = o
  const md5 = createHash('md5')
  let count = 0
  // All ranges must be of the same object.
  const source = await o.from.getObject(file.object, {
    ...versionOf(file),
    ...range,
    ifMatch: `"${head.etag}"`,
    signal,
  })
  async function* passing(): AsyncGenerator<Buffer> {
    for await (const chunk of source.stream() as AsyncIterable<Buffer>) {
      await o.pace(chunk.length, signal)
      for (const sum of sums.values()) sum.update(chunk)
      md5.update(chunk)
      count += chunk.length
      o.onBytes(chunk.length)
      yield chunk
    }
  }
  let broken: unknown
  const body = Readable.from(passing(), { objectMode: false }).once('error', (error) => (broken = error))
  try {
    const written = await write(body)
    if (count !== length) throw damaged(`are ${count}, not ${length}`)
    return { written, md5: md5.digest() }
  } catch (error) {
    // An error of the source is the cause. The store only reports that the body ended early.
    throw broken ?? error
  } finally {
    body.destroy()
    await source.close().catch(() => undefined)
  }
}

const headersOf = (head: ObjectHead): ObjectHeaders => {
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, expires, metadata } = head
  const headers = { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, expires, metadata }
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
}

/** Compares the store's checksum, or the ETag if it is an MD5. Otherwise reads all bytes back. */
async function checkCopy(
  to: StorageDriver,
  target: ObjectRef,
  head: ObjectHead,
  o: { length: number; md5: string; digests: ReadonlyMap<ChecksumAlgorithm, string> },
): Promise<void> {
  const wrong = new StorageError('BadDigest', { message: 'the copy in the other store differs from the sent bytes' })
  if (head.contentLength !== o.length) throw wrong
  const own = head.checksum?.type === 'COMPOSITE' ? undefined : head.checksum
  const sent = own && o.digests.get(own.algorithm)
  if (own && sent !== undefined) {
    if (sent !== own.value) throw wrong
    return
  }
  if (head.etag === o.md5) return
  const [algorithm, value] = [...o.digests].find(([one]) => isComputable(one))!
  if ((await storedChecksum(to, target, head, algorithm)) !== value) throw wrong
}
