import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { BlockSums } from '../drivers/disk/block-sums.ts'
import type { BlobRow } from './pack-blob.ts'
import type { Content } from './unpack.ts'

export type Unpacked = { sha256: string; /** The bytes match the sums in the index. */ isIntact: boolean }

/** Writes a new file and syncs it. */
export async function unpackBlob(path: string, { sums }: BlobRow, content: Content): Promise<Unpacked> {
  const hash = createHash('sha256')
  const running = new BlockSums()
  const handle = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of content) {
      hash.update(chunk)
      running.update(chunk)
      for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { sha256: hash.digest('hex'), isIntact: running.finish().equals(sums) }
}
