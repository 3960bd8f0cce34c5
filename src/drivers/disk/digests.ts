/** Computes all digests of a body in one pass over its bytes. */
import { createHash, hash } from 'node:crypto'
import type { ChecksumAlgorithm } from '../driver.ts'
import { digestOf, startChecksum, type RunningChecksum } from '../checksums/checksum.ts'
import { BlockSums } from './block-sums.ts'

export type DigestsWanted = { sha256: boolean; checksum?: ChecksumAlgorithm | undefined }
export type Digests = { md5: Buffer; sha256?: Buffer; checksum?: Buffer; sums: Buffer }

export type RunningDigests = { update(data: Uint8Array): void; finish(): Digests }

export function startDigests(want: DigestsWanted): RunningDigests {
  const md5 = createHash('md5')
  const sums = new BlockSums()
  const sha256 = want.sha256 || want.checksum === 'sha256' ? startChecksum('sha256') : undefined
  const isCounted = want.checksum === 'sha256' || want.checksum === 'md5'
  const other = want.checksum && !isCounted ? startChecksum(want.checksum) : undefined
  return {
    update(data) {
      md5.update(data)
      sums.update(data)
      sha256?.update(data)
      other?.update(data)
    },
    finish: () => gather({ md5: md5.digest(), sums: sums.finish() }, sha256, other, want),
  }
}

function gather(
  base: { md5: Buffer; sums: Buffer },
  sha256: RunningChecksum | undefined,
  other: RunningChecksum | undefined,
  want: DigestsWanted,
): Digests {
  const hashed = sha256?.digest()
  const checksum = want.checksum === 'sha256' ? hashed : want.checksum === 'md5' ? base.md5 : other?.digest()
  return { ...base, ...(hashed && { sha256: hashed }), ...(checksum && { checksum }) }
}

/** Does the same for a complete buffer, with one call per digest. */
export function digestAtOnce(data: Buffer, want: DigestsWanted): Digests {
  const sums = new BlockSums()
  sums.update(data)
  const sha256 = want.sha256 || want.checksum === 'sha256' ? hash('sha256', data, 'buffer') : undefined
  const checksum = want.checksum === 'sha256' ? sha256 : want.checksum && digestOf(want.checksum, data)
  return {
    md5: hash('md5', data, 'buffer'),
    sums: sums.finish(),
    ...(sha256 && { sha256 }),
    ...(checksum && { checksum }),
  }
}
