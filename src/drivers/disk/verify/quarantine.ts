/** Damaged blobs are moved aside, never deleted: most of their bytes are good, and somebody may want them. */
import { existsSync } from 'node:fs'
import { lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Problem } from '../../problem.ts'
import { blobPath, quarantinePath, type VerifyContext } from './context.ts'
import type { BlobUser } from './users.ts'

type Found = { kind: string; detail: string; users: BlobUser[] }

/**
 * Beside the blob lies `<id>.json`: what was found, when, and who used it. The row stays, so that reading the object is
 * an error and the bytes are found again if they are put back.
 */
export async function quarantine(
  { root }: VerifyContext,
  { id, size }: { id: string; size: number },
  { kind, detail, users }: Found,
): Promise<Pick<Problem, 'repair'> & { failure?: string }> {
  const to = quarantinePath(root, id)
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 })
    if (!(await lstat(dirname(to))).isDirectory()) throw new Error('quarantine is a link, which is not followed')
    // A blob that was put back and went bad again: the first one stays too.
    const free = existsSync(to) ? `${to}.${Date.now()}` : to
    const note = { blob: id, size, found: kind, detail, at: new Date().toISOString(), usedBy: users }
    // Of a move that was cut off there is a note already; whatever stands there is not written through.
    await rm(`${free}.json`, { force: true })
    await writeFile(`${free}.json`, `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    await rename(blobPath(root, id), free)
    await syncFolders(dirname(free), dirname(blobPath(root, id)))
    return { repair: 'quarantined' }
  } catch (cause) {
    return { repair: 'failed', failure: `it could not be moved: ${(cause as Error).message}` }
  }
}

/** Best effort: after a power cut the blob may lie where it was, and is found again. */
async function syncFolders(...folders: string[]): Promise<void> {
  for (const folder of folders) {
    const handle = await open(folder, 'r').catch(() => null)
    await handle?.sync().catch(() => {})
    await handle?.close()
  }
}
