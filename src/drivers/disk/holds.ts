/**
 * Holds that stop deletions. While a backup is read, no process deletes a blob that an object had when the backup
 * started. A hold is a file whose holder touches it regularly. A hold that was not touched for some time is abandoned.
 */
import { randomBytes } from 'node:crypto'
import { lchown, lstat, mkdir, readdir, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from './file-calls.ts'

/** Seconds without a touch after which a hold does not count, and the interval at which its holder touches it. */
const lifetime = 600
const touchEvery = 60

const folderOf = (root: string): string => join(root, 'holds')

/** Must be called after the garbage was chosen and before it is deleted. A later hold does not need this garbage. */
export async function isHeld(root: string): Promise<boolean> {
  let held = false
  for (const name of await namesIn(folderOf(root))) {
    const path = join(folderOf(root), name)
    const age = await ageOf(path)
    if (age !== null && age < lifetime) held = true
    else await unlink(path).catch(() => {})
  }
  return held
}

export type Hold = {
  /** Throws if the hold may have expired, because the machine slept or the folder was not writable. */
  assertHeld(): void
  release(): Promise<void>
}

export async function placeHold(root: string): Promise<Hold> {
  await mkdir(folderOf(root), { recursive: true, mode: 0o700 })
  await giveToOwner(folderOf(root), root)
  const path = join(folderOf(root), randomBytes(8).toString('hex'))
  await writeFile(path, '', { flag: 'wx', mode: 0o600 })
  await giveToOwner(path, root)
  let touchedAt = Date.now()
  const touch = async (): Promise<void> => {
    const now = new Date()
    // Another process may have deleted the expired hold, and blobs with it.
    if (now.getTime() - touchedAt >= lifetime * 1000) return
    await utimes(path, now, now)
    touchedAt = now.getTime()
  }
  const timer = setInterval(() => void touch().catch(() => {}), touchEvery * 1000).unref()
  return {
    assertHeld() {
      if (Date.now() - touchedAt < lifetime * 1000) return
      throw new Error('The hold that stops deletions expired before the end. Start again.')
    },
    async release() {
      clearInterval(timer)
      await unlink(path).catch(() => {})
    },
  }
}

/** A server that runs as another user must be able to read files that root created. */
export async function giveToOwner(path: string, root: string): Promise<void> {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = await lstat(root)
  if (uid !== 0) await lchown(path, uid, gid)
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return []
    throw cause
  }
}

/** In seconds. null if the file is gone. */
async function ageOf(path: string): Promise<number | null> {
  try {
    return (Date.now() - (await lstat(path)).mtimeMs) / 1000
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null
    throw cause
  }
}
