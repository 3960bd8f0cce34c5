/**
 * Passes a tar of plain files only. Everything else fails before it is parsed further: links, devices, folders, and
 * extended headers, which can rename an entry or allocate gigabytes of memory.
 */
import { Transform } from 'node:stream'
import { blockSize, refuse } from './format.ts'

export function plainTarOnly(): Transform {
  let header = Buffer.alloc(0)
  /** Bytes of content and padding until the next header. */
  let skip = 0
  let ended = false
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        for (let at = 0; at < chunk.length;) {
          // Another tar reader may look for headers after the end, which were not checked here.
          if (ended && chunk.subarray(at).some((byte) => byte !== 0)) {
            throw refuse('The backup is damaged: it has data after its end.')
          }
          if (ended) break
          if (skip > 0) {
            const step = Math.min(skip, chunk.length - at)
            skip -= step
            at += step
            continue
          }
          const step = Math.min(blockSize - header.length, chunk.length - at)
          header = Buffer.concat([header, chunk.subarray(at, at + step)])
          at += step
          if (header.length < blockSize) continue
          if (header.every((byte) => byte === 0)) ended = true
          else skip = Math.ceil(plainSize(header) / blockSize) * blockSize
          header = Buffer.alloc(0)
        }
        done(null, chunk)
      } catch (error) {
        done(error as Error)
      }
    },
  })
}

/** Reads a ustar header (POSIX.1-1988): size at 124, type at 156. Sizes from 8 GiB on are binary, as in GNU tar. */
function plainSize(header: Buffer): number {
  const type = header[156]
  if (type !== 0x30 && type !== 0) {
    throw refuse('This is not a Postern backup: it contains entries other than plain files.')
  }
  const field = header.subarray(124, 136)
  const isBinary = (field[0]! & 0x80) !== 0
  const size = isBinary ? Number(field.readBigUInt64BE(4)) : Number.parseInt(field.toString('latin1').trim() || '0', 8)
  if (Number.isSafeInteger(size) && size >= 0 && (!isBinary || field.readUInt32BE(0) === 0x80000000)) return size
  throw refuse('This is not a Postern backup: the size of an entry is not valid.')
}
