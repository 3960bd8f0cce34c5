/**
 * Holding off the collector: while a backup is read, no blob that an object had when it began is removed, whichever
 * process deletes it. A hold is a file that its holder touches; one that was not touched for a while was left behind.
 */
import { randomBytes } from 'node:crypto'
import { lchown, lstat, mkdir, readdir, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from './file-calls.ts'

/** Seconds after which a hold that nobody touched does not count, and after which its holder touches it. */
const lifetime = 600
const touchEvery = 60

const folderOf = (root: string): string => join(root, 'holds')

/** To be asked after the garbage was chosen and before it is removed: a hold that is placed later needs none of it. */
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
  /** Throws when the hold may have lapsed: the machine slept, or the folder could not be written. */
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
    // Whoever found it too old has removed it, and maybe blobs with it.
    if (now.getTime() - touchedAt >= lifetime * 1000) return
    await utimes(path, now, now)
    touchedAt = now.getTime()
  }
  const timer = setInterval(() => void touch().catch(() => {}), touchEvery * 1000).unref()
  return {
    assertHeld() {
      if (Date.now() - touchedAt < lifetime * 1000) return
      throw new Error('The collector could not be held off for the whole time: begin anew.')
    },
    async release() {
      clearInterval(timer)
      await unlink(path).catch(() => {})
    },
  }
}

/** A server with a user of its own must be able to look at what root has made. */
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

/** Seconds; null where it is gone. */
async function ageOf(path: string): Promise<number | null> {
  try {
    return (Date.now() - (await lstat(path)).mtimeMs) / 1000
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null
    throw cause
  }
}
