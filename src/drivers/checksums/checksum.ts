/** The checksums of S3 as running computations with base64 values (Amazon S3 user guide, "Checking object integrity"). */
import { createHash, hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { StorageError } from '../../errors.ts'
import { checksumBytes, type Checksum, type ChecksumAlgorithm, type ChecksumType } from '../driver.ts'
import { combineCrcs, type CrcAlgorithm } from './combine-crc.ts'
import { crc32c } from './crc32c.ts'
import { crc64nvme } from './crc64nvme.ts'

export type RunningChecksum = { update(data: Uint8Array): void; digest(): Buffer }

const running: Record<ChecksumAlgorithm, () => RunningChecksum> = {
  sha1: () => runningHash('sha1'),
  sha256: () => runningHash('sha256'),
  sha512: () => runningHash('sha512'),
  md5: () => runningHash('md5'),
  crc32: () => runningCrc<number>(4, 0, (data, value) => crc32(data, value)),
  crc32c: () => runningCrc<number>(4, 0, crc32c),
  crc64nvme: () => runningCrc<bigint>(8, 0n, crc64nvme),
}

export const startChecksum = (algorithm: ChecksumAlgorithm): RunningChecksum => running[algorithm]()

function runningHash(algorithm: Exclude<ChecksumAlgorithm, CrcAlgorithm>): RunningChecksum {
  const state = createHash(algorithm)
  return { update: (data) => void state.update(data), digest: () => state.digest() }
}

function runningCrc<T extends number | bigint>(
  bytes: 4 | 8,
  start: T,
  advance: (data: Uint8Array, value: T) => T,
): RunningChecksum {
  let value = start
  return {
    update(data) {
      value = advance(data, value)
    },
    digest: () => bigEndian(BigInt(value), bytes),
  }
}

function bigEndian(value: bigint, bytes: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(value)
  return buffer.subarray(8 - bytes)
}

/** The raw bytes of a base64 value. Errors: InvalidRequest for an impossible value of this algorithm. */
export function checksumFromBase64(algorithm: ChecksumAlgorithm, value: string): Buffer {
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length === checksumBytes[algorithm] && bytes.toString('base64') === value) return bytes
  throw new StorageError('InvalidRequest', { message: `Value for x-amz-checksum-${algorithm} header is invalid.` })
}

export const isCrc = (algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm => algorithm.startsWith('crc')

/** The type that S3 uses if an upload names an algorithm without a type. */
export const defaultChecksumType = (algorithm: ChecksumAlgorithm): ChecksumType =>
  algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE'

/** Whether S3 supports this type of checksum for a multipart upload. */
export const supportsType = (algorithm: ChecksumAlgorithm, type: ChecksumType): boolean =>
  type === 'FULL_OBJECT' ? isCrc(algorithm) : algorithm !== 'crc64nvme'

/** The checksum of an object joined from parts. Each `value` is the checksum of a part. */
export function joinChecksums(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { value: string; length: number }[],
): Checksum {
  if (type === 'FULL_OBJECT' && isCrc(algorithm)) {
    const crcs = parts.map(({ value, length }) => ({
      crc: BigInt(`0x${Buffer.from(value, 'base64').toString('hex')}`),
      length,
    }))
    return {
      algorithm,
      type,
      value: bigEndian(combineCrcs(algorithm, crcs), checksumBytes[algorithm]).toString('base64'),
    }
  }
  const joined = Buffer.concat(parts.map(({ value }) => Buffer.from(value, 'base64')))
  return { algorithm, type: 'COMPOSITE', value: `${digestOf(algorithm, joined).toString('base64')}-${parts.length}` }
}

/** The checksum of bytes already in memory. */
export function digestOf(algorithm: ChecksumAlgorithm, data: Uint8Array): Buffer {
  if (!isCrc(algorithm)) return hash(algorithm, data, 'buffer')
  const state = startChecksum(algorithm)
  state.update(data)
  return state.digest()
}
