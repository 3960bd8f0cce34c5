/** Reads the bytes of a blob once, for block sums, MD5 and other checks. */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { blocksAreIntact, blockSize } from '../block-sums.ts'
import { errorCode } from '../file-calls.ts'

export type BlobFacts = { size: number; sums: Buffer }
export type BlobState =
  | { is: 'intact'; md5: Buffer }
  | { is: 'missing' }
  | { is: 'size'; size: number }
  /** The bytes of the blob are intact, and the file has more bytes. */
  | { is: 'appended'; size: number; md5: Buffer }
  | { is: 'unreadable'; cause: string }
  | { is: 'damaged'; at: number }

/** Opens only regular files, as in BlobStore.open. */
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const absent = new Set(['ENOENT', 'ELOOP', 'EMLINK', 'ENXIO', 'EISDIR', 'ENOTDIR'])
export const readSize = 16 * blockSize

/** null if the file does not exist. */
export async function openBlob(path: string): Promise<FileHandle | null> {
  try {
    const file = await open(path, flags)
    if ((await file.stat()).isFile()) return file
    await file.close()
    return null
  } catch (cause) {
    if (absent.has(errorCode(cause) ?? '')) return null
    throw cause
  }
}

type ReadOptions = {
  /** Receives all bytes in order, checked or not, and is awaited. The buffer is reused afterwards. */
  each?: (bytes: Buffer) => Promise<void> | void
  signal?: AbortSignal
  /** False skips the MD5 if only the block sums are needed. */
  md5?: boolean
  /** Offset to start at. Must be the start of a block. */
  from?: number
}

export async function readBlob(path: string, { size, sums }: BlobFacts, o: ReadOptions = {}): Promise<BlobState> {
  let file: FileHandle | null = null
  try {
    file = await openBlob(path)
    if (!file) return { is: 'missing' }
    const stat = await file.stat()
    if (stat.size < size) return { is: 'size', size: stat.size }
    const state = await readBlocks(file, { size, sums }, o)
    return state.is === 'intact' && stat.size > size ? { is: 'appended', size: stat.size, md5: state.md5 } : state
  } catch (cause) {
    const code = errorCode(cause)
    if (code === undefined || o.signal?.aborted) throw cause
    return { is: 'unreadable', cause: code }
  } finally {
    await file?.close()
  }
}

async function readBlocks(file: FileHandle, { size, sums }: BlobFacts, o: ReadOptions): Promise<BlobState> {
  const buffer = Buffer.allocUnsafe(Math.min(readSize, Math.max(size, 1)))
  const md5 = o.md5 === false ? null : createHash('md5')
  let damagedAt = -1
  for (let at = Math.floor((o.from ?? 0) / blockSize) * blockSize; at < size;) {
    o.signal?.throwIfAborted()
    const wanted = Math.min(buffer.length, size - at)
    let filled = 0
    while (filled < wanted) {
      const { bytesRead } = await file.read(buffer, filled, wanted - filled, at + filled)
      if (bytesRead === 0) return { is: 'size', size: at + filled }
      filled += bytesRead
    }
    const bytes = buffer.subarray(0, wanted)
    if (damagedAt < 0 && !blocksAreIntact(sums, at / blockSize, bytes)) damagedAt = at
    md5?.update(bytes)
    await o.each?.(bytes)
    at += wanted
  }
  if (damagedAt >= 0) return { is: 'damaged', at: damagedAt }
  return { is: 'intact', md5: md5?.digest() ?? Buffer.alloc(0) }
}
