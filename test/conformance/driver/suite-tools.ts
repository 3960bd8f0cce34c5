/** Shared helpers of the driver suite. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { it, type TestAPI } from 'vitest'
import { StorageError } from '../../../src/errors.ts'
import type { GetOptions, ObjectRef, PutOptions, StorageDriver, WrittenObject } from '../../../src/drivers/driver.ts'
import { bodyOf } from './body.ts'

export { bodyOf } from './body.ts'

/**
 * Where a store is known to answer otherwise. Each entry is a property of the store behind the driver, not a licence
 * for the driver: what it does instead is still tested.
 */
export type KnownDifference =
  /** One remote bucket: changes to buckets are NotSupported. */
  | 'one-bucket'
  /** The store has no CRC-64/NVME (older than 2025): asking for it is NotSupported. */
  | 'no-crc64nvme'
  /** The store keeps no checksums: asking for one to be stored is NotSupported, or it is verified and not kept. */
  | 'no-stored-checksums'
  /** The store cannot join checksums of parts. */
  | 'no-multipart-checksums'
  /** The store ignores conditions on CompleteMultipartUpload: the driver refuses them as NotSupported. */
  | 'no-conditional-complete'
  /** The store ignores conditions on CopyObject's target: the driver refuses them as NotSupported. */
  | 'no-conditional-copy'
  /** The store forgets a completed upload at once: a second completion is NoSuchUpload. */
  | 'complete-once'
  /** The store does not tell the size and number of parts of a finished object. */
  | 'no-part-reads'
  /** A copy of a multipart object gets the ETag of a plain one. */
  | 'copy-joins-parts'
  /** The store does not list the parts of a finished object: asking for them is NotSupported. */
  | 'no-part-lists'
  /** The store keeps no tags: writing some is NotSupported. */
  | 'no-tags'
  /** The store drops the tags of a multipart upload: the driver refuses them as NotSupported. */
  | 'no-multipart-tags'
  /** The store completes an upload with all the parts it has or not at all: fewer are InvalidPart. */
  | 'complete-all-parts'
  /** The store tells no common prefixes of uploads: the driver refuses a delimiter as NotSupported. */
  | 'no-folded-uploads'
  /** Another process may write: `isBeingWritten` answers false always. */
  | 'cannot-tell-writers'
  /** A sealed object lies at another key or version: the first key stays free to write. */
  | 'seals-elsewhere'
  /** Two writes of the same bytes cannot be told apart. */
  | 'no-revisions'
  /** The store holds no conditions on writes: the driver refuses them as NotSupported. */
  | 'no-conditional-put'
  /** The store takes no forms: the driver refuses to sign one. */
  | 'no-forms'
  /** Nothing serves the URLs that the driver signs. */
  | 'unserved-urls'

export type DriverFixture = {
  driver: StorageDriver
  /** A bucket that exists and may hold other things; the suite keeps below prefixes of its own. */
  bucket: string
  close(): Promise<void>
}

/** `it` where the store can. Elsewhere the case is no test: what the driver does instead is one, beside it. */
export const itUnless = (suite: Suite, difference: KnownDifference): TestAPI | (() => void) =>
  suite.differs(difference) ? () => {} : it

export type Suite = {
  readonly driver: StorageDriver
  readonly bucket: string
  differs(difference: KnownDifference): boolean
}

export const MiB = 1024 * 1024
export const partSize = 5 * MiB

/** A prefix that no other test uses. */
export const freshPrefix = (): string => `suite/${randomUUID()}/`
export const freshRef = (suite: Suite, name = 'object'): ObjectRef => ({
  bucket: suite.bucket,
  key: freshPrefix() + name,
})

export const bytesOf = (size: number): Buffer => randomBytes(size)
export const md5 = (data: Buffer): string => createHash('md5').update(data).digest('hex')
export const base64 = (algorithm: 'md5' | 'sha1' | 'sha256', data: Buffer): string =>
  createHash(algorithm).update(data).digest('base64')

export const put = (suite: Suite, ref: ObjectRef, data: Buffer | string, o: PutOptions = {}): Promise<WrittenObject> =>
  suite.driver.putObject(ref, bodyOf(data), { contentLength: Buffer.byteLength(data), ...o })

export async function read(suite: Suite, ref: ObjectRef, o: GetOptions = {}): Promise<Buffer> {
  return collect((await suite.driver.getObject(ref, o)).stream())
}

export async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer))
  return Buffer.concat(chunks)
}

/** The code of the StorageError with which a promise rejects; `ok` when it does not. Any other error is itself. */
export const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'ok',
    (error: unknown) => (error instanceof StorageError ? error.code : error),
  )

export const isThere = (suite: Suite, ref: ObjectRef): Promise<boolean> =>
  suite.driver.headObject(ref).then(
    () => true,
    () => false,
  )
