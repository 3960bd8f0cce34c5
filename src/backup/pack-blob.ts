import { createHash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { BlobLayout } from '../drivers/disk/blob-layout.ts'
import { readBlob, type BlobState } from '../drivers/disk/verify/read-blob.ts'
import { blobName, type ManifestLine } from './format.ts'
import type { TarWriter } from './tar-writer.ts'

export type BlobRow = { id: string; size: number; sums: Buffer }

/**
 * Adds a blob and checks it while reading. Damaged bytes are included and reported, because most of them are correct and
 * one bad blob must not stop the backup. A missing or truncated blob gets no entry.
 */
export async function packBlob(
  tar: TarWriter,
  row: BlobRow,
  o: { store: string; at: Date; signal: AbortSignal },
): Promise<Omit<ManifestLine, 'in'>> {
  const { id, size } = row
  const path = new BlobLayout(o.store).path(id)
  const there = await lstat(path).catch(() => null)
  if (!there?.isFile() || there.size < size) return { id, size, damaged: there?.isFile() ? 'size' : 'missing' }
  const hash = createHash('sha256')
  const read: { state: BlobState | null } = { state: null }
  await tar.add(blobName(id), { size, mode: 0o600, at: o.at }, async (entry) => {
    const sent = { bytes: 0 }
    const write = async (bytes: Buffer): Promise<void> => {
      sent.bytes += bytes.length
      hash.update(bytes)
      await entry.write(bytes)
    }
    // A copy, because the reader reuses its buffer before the archive has written it.
    read.state = await readBlob(path, row, { md5: false, signal: o.signal, each: (bytes) => write(Buffer.from(bytes)) })
    // The header of the entry has its size, so zeros replace the bytes that could not be read.
    while (sent.bytes < size) await write(Buffer.alloc(Math.min(size - sent.bytes, 1024 * 1024)))
  })
  const line = { id, size, sha256: hash.digest('hex') }
  return read.state?.is === 'intact' || read.state?.is === 'appended'
    ? line
    : { ...line, damaged: read.state?.is ?? 'unreadable' }
}
