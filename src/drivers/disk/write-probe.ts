/**
 * Proves that the disk takes a write now: a small blob is written, synced, renamed into `objects/`, read back and
 * removed, and one transaction of the index is committed. Nothing of it stays, and no list shows it.
 */
import { randomBytes } from 'node:crypto'
import { StorageError } from '../../errors.ts'
import type { DiskContext } from './context.ts'

const size = 64

type Deps = Pick<DiskContext, 'blobs' | 'calls' | 'guard' | 'objects' | 'queue'>

/** Errors: those of a write. */
export function createWriteProbe(ctx: Deps): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => (running ??= probe(ctx).finally(() => (running = null)))
}

async function probe({ blobs, calls, guard, objects, queue }: Deps): Promise<void> {
  await guard.assertWritable(size)
  const content = randomBytes(size)
  const blob = await blobs.createProbe()
  try {
    await calls.writev(blob.fd, [content], 0)
    await blob.publish()
    const fd = await blobs.open(blob.id)
    try {
      const read = Buffer.alloc(size)
      await calls.read(fd, read, 0, size, 0)
      if (!read.equals(content))
        throw new StorageError('Unavailable', { message: 'The disk returned other bytes than were written.' })
    } finally {
      await calls.close(fd)
    }
    // Within one transaction, so that its commit writes to the index and leaves it as it was.
    await queue.run(() => {
      objects.addBlob({ id: blob.id, size, sums: Buffer.alloc(0) })
      objects.forgetBlob(blob.id)
    })
  } finally {
    await blob.discard()
  }
}
