/** Moves damaged blobs to quarantine. They are never deleted, because most of their bytes are intact. */
import { randomBytes } from 'node:crypto'
import { copyFile, link, lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { explainFileError, isThere } from '../../../cannot-open.ts'
import type { Problem } from '../../verify-problems.ts'
import type { BlobLayout } from '../blob-layout.ts'
import type { VerifyContext } from './context.ts'
import { readBlob } from './read-blob.ts'
import type { BlobUser } from './users.ts'

type Found = { kind: string; detail: string; users: BlobUser[] }

/**
 * `<id>.json` next to the blob records the finding, the time and the users of the blob. The row stays, so reading the
 * object is an error, and the bytes are found again if the file is moved back.
 */
export async function quarantine(
  { layout }: VerifyContext,
  { id, size }: { id: string; size: number },
  { kind, detail, users }: Found,
): Promise<Pick<Problem, 'repair'> & { failure?: string }> {
  try {
    const free = await notedPlace(layout, { id, size }, { kind, detail, users })
    await rename(layout.path(id), free)
    await syncFolders(dirname(free), dirname(layout.path(id)))
    return { repair: 'quarantined' }
  } catch (cause) {
    return { repair: 'failed', failure: `it could not be moved: ${why(cause)}` }
  }
}

/**
 * For a blob with intact bytes and appended ones: a copy without the appended bytes replaces the file, which is kept in
 * quarantine as it was. The object is readable at every moment.
 */
export async function trimToCopy(
  { layout }: VerifyContext,
  row: { id: string; size: number; sums: Buffer },
  found: Found,
): Promise<Pick<Problem, 'repair'> & { failure?: string }> {
  const path = layout.path(row.id)
  const copy = join(layout.temp, randomBytes(16).toString('hex'))
  try {
    await copyFile(path, copy)
    const { mode, uid, gid } = await lstat(path)
    const file = await open(copy, 'r+')
    try {
      await file.truncate(row.size)
      await file.chmod(mode & 0o777)
      if (process.geteuid?.() === 0) await file.chown(uid, gid)
      await file.sync()
    } finally {
      await file.close()
    }
    const state = await readBlob(copy, row, { md5: false })
    if (state.is !== 'intact') throw new Error('the copy does not match the stored bytes')
    await link(path, await notedPlace(layout, row, found))
    await rename(copy, path)
    await syncFolders(dirname(layout.quarantined(row.id)), dirname(path))
    return { repair: 'corrected' }
  } catch (cause) {
    await rm(copy, { force: true }).catch(() => {})
    return { repair: 'failed', failure: `it could not be trimmed: ${why(cause)}` }
  }
}

const why = (cause: unknown): string => explainFileError(cause) ?? (cause as Error).message

/** Returns an unused name in quarantine and writes its note. */
async function notedPlace(
  layout: BlobLayout,
  { id, size }: { id: string; size: number },
  { kind, detail, users }: Found,
): Promise<string> {
  const to = layout.quarantined(id)
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  if (!(await lstat(dirname(to))).isDirectory()) throw new Error('quarantine is not a directory')
  // If a restored blob is damaged again, both files are kept.
  const free = isThere(to) ? `${to}.${Date.now()}` : to
  const note = { blob: id, size, found: kind, detail, at: new Date().toISOString(), usedBy: users }
  // An interrupted move may have left a note. Deletes it first, so that nothing is written through a link.
  await rm(`${free}.json`, { force: true })
  await writeFile(`${free}.json`, `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  return free
}

/** Best effort: after a power cut, the blob may be at its old path, where the next run finds it again. */
async function syncFolders(...folders: string[]): Promise<void> {
  for (const folder of folders) {
    const handle = await open(folder, 'r').catch(() => null)
    await handle?.sync().catch(() => {})
    await handle?.close()
  }
}
