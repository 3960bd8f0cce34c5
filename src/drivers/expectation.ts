/** Checks a body against its announced length and digests. Impossible values are rejected before the body is read. */
import { StorageError } from '../errors.ts'
import { checksumFromBase64 } from './checksums/checksum.ts'
import type { BodyExpectation, Checksum, ChecksumAlgorithm } from './driver.ts'

/** `sha256` and `checksum` are present if they were requested. */
export type BodyDigests = { md5: Buffer; sha256?: Buffer; checksum?: Buffer }

export function checkExpectation(o: BodyExpectation & { maxBytes: number }): void {
  if (o.contentLength !== undefined && !(Number.isSafeInteger(o.contentLength) && o.contentLength >= 0))
    throw new StorageError('InvalidArgument', { message: 'The content length is not a number of bytes.' })
  if (o.contentLength !== undefined && o.contentLength > o.maxBytes) throw tooLarge(o.contentLength, o.maxBytes)
  if (o.md5 !== undefined) md5FromBase64(o.md5)
  const { checksum } = o
  if (typeof checksum?.value === 'string') checksumFromBase64(checksum.algorithm, checksum.value)
}

function md5FromBase64(value: string): Buffer {
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length === 16 && bytes.toString('base64') === value) return bytes
  throw new StorageError('InvalidDigest', { message: 'The Content-MD5 you specified is not valid.' })
}

/** Returns the checksum to store: the announced one after comparison, or the computed one for `algorithm`. */
export function verifyDigests(
  digests: BodyDigests,
  o: BodyExpectation,
  algorithm: ChecksumAlgorithm | undefined,
): Checksum | undefined {
  if (o.payloadSha256 !== undefined && digests.sha256?.toString('hex') !== o.payloadSha256)
    throw new StorageError('PayloadHashMismatch', {
      message: 'The provided x-amz-content-sha256 header does not match what was computed.',
    })
  if (o.md5 !== undefined && !digests.md5.equals(md5FromBase64(o.md5)))
    throw new StorageError('BadDigest', { message: 'The Content-MD5 you specified did not match what we received.' })
  if (!algorithm || !digests.checksum) return undefined
  const value = digests.checksum.toString('base64')
  const announced = o.checksum?.value
  const expected = typeof announced === 'function' ? announced() : announced
  if (expected !== undefined && !checksumFromBase64(algorithm, expected).equals(digests.checksum))
    throw new StorageError('BadDigest', {
      message: `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    })
  return { algorithm, value, type: 'FULL_OBJECT' }
}

export const tooLarge = (proposed: number, max: number): StorageError =>
  new StorageError('EntityTooLarge', {
    message: 'Your proposed upload exceeds the maximum allowed size',
    details: { ProposedSize: proposed, MaxSizeAllowed: max },
  })
