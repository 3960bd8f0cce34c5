/**
 * Proves that the disk accepts writes. Overwrites, syncs and reads back one small file next to `objects/`, checks that
 * `objects/` exists and is writable, and commits one transaction of the index. No file is created or deleted, so the
 * check is invisible in the folder.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { StorageError } from '../../errors.ts'
import type { DiskContext } from './context.ts'
import { syncFolderNow } from './directory-sync.ts'

const size = 64
/** File name in the folder of the store. */
export const probeName = 'write-check'
const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)

type Deps = Pick<DiskContext, 'blobs' | 'calls' | 'guard' | 'objects' | 'queue'>

/** Errors: those of a write. `sync`: whether the store syncs its writes. */
export function createWriteProbe(ctx: Deps, o: { sync: boolean }): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => (running ??= probe(ctx, o).finally(() => (running = null)))
}

async function probe({ blobs, calls, guard, objects, queue }: Deps, { sync }: { sync: boolean }): Promise<void> {
  await guard.assertWritable(size)
  const content = randomBytes(size)
  const fd = await calls.open(join(blobs.layout.root, probeName), flags, 0o600)
  try {
    await calls.writev(fd, [content], 0)
    if (sync) await calls.fdatasync(fd)
    const read = Buffer.alloc(size)
    await calls.read(fd, read, 0, size, 0)
    if (!read.equals(content))
      throw new StorageError('Unavailable', { message: 'The disk returned different bytes than were written.' })
  } finally {
    await calls.close(fd)
  }
  await access(blobs.layout.objects, constants.W_OK)
  if (sync) syncFolderNow(blobs.layout.objects)
  const id = randomBytes(16).toString('hex')
  // In one transaction, so that its commit writes to the index without changing it.
  await queue.run(() => {
    objects.addBlob({ id, size, sums: Buffer.alloc(0) })
    objects.forgetBlob(id)
  })
}
