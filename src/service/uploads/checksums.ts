/** Compares declared checksums with the stored bytes. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { checksumBytes } from '../../drivers/driver.ts'
import type { Checksum, ChecksumAlgorithm, ObjectHead, ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { StorageError } from '../../errors.ts'

/** Algorithms that the gateway can compute if the store has no checksum of the object. */
const computable: ReadonlySet<ChecksumAlgorithm> = new Set(['sha1', 'sha256', 'sha512', 'md5', 'crc32'])
export const isComputable = (algorithm: ChecksumAlgorithm): boolean => computable.has(algorithm)

/** Accepts only canonical base64 with the exact length of the algorithm's digest. Errors: InvalidDigest. */
export function parseChecksum({ algorithm, value }: { algorithm: ChecksumAlgorithm; value: string }): Checksum {
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length === checksumBytes[algorithm] && bytes.toString('base64') === value) return { algorithm, value }
  throw new StorageError('InvalidDigest', {
    message: `checksum.value must be the base64 of a ${algorithm} digest: ${checksumBytes[algorithm]} bytes.`,
  })
}

/**
 * The checksum of the stored bytes. Uses the store's checksum of the whole object if there is one. Otherwise reads the
 * object with `head.etag` once and computes it. Errors: PreconditionFailed if the object has changed, NotSupported for
 * an algorithm that neither the store nor the gateway supports.
 */
export async function storedChecksum(
  driver: StorageDriver,
  ref: ObjectRef,
  head: ObjectHead,
  algorithm: ChecksumAlgorithm,
): Promise<string> {
  if (head.checksum?.algorithm === algorithm && head.checksum.type !== 'COMPOSITE') return head.checksum.value
  if (!isComputable(algorithm)) {
    throw new StorageError('NotSupported', {
      message: `The store has no ${algorithm} checksum of this object. Send the sha256 instead.`,
    })
  }
  const object = await driver.getObject(ref, {
    ifMatch: `"${head.etag}"`,
    ...(head.versionId === undefined ? {} : { versionId: head.versionId }),
  })
  return algorithm === 'crc32' ? crc32Of(object.stream()) : hashOf(algorithm, object.stream())
}

async function hashOf(algorithm: string, body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of body) hash.update(chunk)
  return hash.digest('base64')
}

async function crc32Of(body: AsyncIterable<Uint8Array>): Promise<string> {
  let crc = 0
  for await (const chunk of body) crc = crc32(chunk, crc)
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}
