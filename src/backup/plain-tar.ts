/**
 * Lets a tar through that holds plain files alone. Everything else (links, devices, folders, and the extended headers
 * that can rename an entry or announce gigabytes to be kept in memory) ends it before it is understood further.
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
          // A reader that looks for more headers behind the end would find what was not looked at here.
          if (ended && chunk.subarray(at).some((byte) => byte !== 0)) {
            throw refuse('The backup is damaged: it goes on after its end.')
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

/** Of the ustar header (POSIX.1-1988): size at 124, type at 156; sizes of 8 GiB and more are binary, as GNU tar has it. */
function plainSize(header: Buffer): number {
  const type = header[156]
  if (type !== 0x30 && type !== 0) {
    throw refuse('This is no backup of Postern: it holds something else than plain files.')
  }
  const field = header.subarray(124, 136)
  const isBinary = (field[0]! & 0x80) !== 0
  const size = isBinary ? Number(field.readBigUInt64BE(4)) : Number.parseInt(field.toString('latin1').trim() || '0', 8)
  if (Number.isSafeInteger(size) && size >= 0 && (!isBinary || field.readUInt32BE(0) === 0x80000000)) return size
  throw refuse('This is no backup of Postern: the size of an entry cannot be read.')
}
