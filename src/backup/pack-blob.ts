import { createHash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { BlobLayout } from '../drivers/disk/blob-layout.ts'
import { readBlob, type BlobState } from '../drivers/disk/verify/read-blob.ts'
import { blobName, type ManifestLine } from './format.ts'
import type { TarWriter } from './tar-writer.ts'

export type BlobRow = { id: string; size: number; sums: Buffer }

/**
 * Adds a blob, checked while it is read. Damaged bytes are kept, and named: most of them are right, and one bad blob must
 * not keep all others out of the backup. One that is missing or of another size has no entry.
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
    // A copy, for the reader uses its buffer again while the archive is behind.
    read.state = await readBlob(path, row, { md5: false, signal: o.signal, each: (bytes) => write(Buffer.from(bytes)) })
    // The entry was announced with its size: a read that failed is filled up.
    while (sent.bytes < size) await write(Buffer.alloc(Math.min(size - sent.bytes, 1024 * 1024)))
  })
  const line = { id, size, sha256: hash.digest('hex') }
  return read.state?.is === 'intact' || read.state?.is === 'appended'
    ? line
    : { ...line, damaged: read.state?.is ?? 'unreadable' }
}
