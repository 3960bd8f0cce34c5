/**
 * Marks temporary files of running processes. Each process that writes holds a lock in `writers/`, and the names of its
 * temporary files start with the name of that lock. No sweep deletes them while the lock is held.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { isThere } from '../../cannot-open.ts'
import { isLocked, takeLock, type Lock } from '../../sqlite-lock.ts'
import { errorCode } from './file-calls.ts'

const idLength = 16
const lockPattern = /^([0-9a-f]{16})\.lock$/

const folderOf = (root: string): string => join(root, 'writers')
const lockOf = (root: string, id: string): string => join(folderOf(root), `${id}.lock`)

export class Writer {
  readonly #root: string
  readonly id = randomBytes(idLength / 2).toString('hex')
  #lock: Lock | null = null

  constructor(root: string) {
    this.#root = root
  }

  /** Takes the lock for the first name, because most commands write nothing. */
  temporaryName(): string {
    if (this.#lock === null) {
      mkdirSync(folderOf(this.#root), { recursive: true, mode: 0o700 })
      this.#lock = this.#take()
    }
    return this.id + randomBytes(16 - idLength / 2).toString('hex')
  }

  /** Takes the lock before the file gets its final name, so the name is never unlocked while this process runs. */
  #take(): Lock | null {
    const file = lockOf(this.#root, this.id)
    // Windows cannot rename an open file.
    if (process.platform === 'win32') return takeLock(file)
    const lock = takeLock(`${file}.new`)
    try {
      renameSync(`${file}.new`, file)
      return lock
    } catch (cause) {
      lock?.release()
      throw cause
    }
  }

  close(): void {
    if (this.#lock === null) return
    this.#lock.release()
    this.#lock = null
    removeQuietly(lockOf(this.#root, this.id))
  }
}

/** A function for one sweep, which checks each lock once. Errors: those of opening a lock. */
export function liveWriters(root: string): (temporaryName: string) => boolean {
  const known = new Map<string, boolean>()
  return (name) => {
    const id = name.slice(0, idLength)
    const alive = known.get(id) ?? isAlive(root, id)
    known.set(id, alive)
    return alive
  }
}

/** Whether a running process has written here. */
export const hasLiveWriter = (root: string): boolean => writerIds(root).some((id) => isAlive(root, id))

/** Deletes the locks of processes that have ended. */
export function forgetDeadWriters(root: string): void {
  for (const id of writerIds(root)) if (!isAlive(root, id)) removeQuietly(lockOf(root, id))
}

/** Whether `name`, in the folder of a store, is the folder of these locks and contains nothing else. */
export function isLocksOfWriters(root: string, name: string): boolean {
  const folder = folderOf(root)
  if (!statSync(join(root, name)).isDirectory()) return false
  return (
    join(root, name) === folder && readdirSync(folder).every((file) => lockPattern.test(file.replace(/\.new$/, '')))
  )
}

function writerIds(root: string): string[] {
  try {
    return readdirSync(folderOf(root)).flatMap((name) => lockPattern.exec(name)?.[1] ?? [])
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return []
    throw cause
  }
}

function isAlive(root: string, id: string): boolean {
  try {
    return isLocked(lockOf(root, id))
  } catch (cause) {
    // Its holder or another sweep is deleting it. A lock that cannot be checked counts as held.
    if (errorCode(cause) === 'SQLITE_CANTOPEN') return mayBeThere(lockOf(root, id))
    throw cause
  }
}

function mayBeThere(path: string): boolean {
  try {
    return isThere(path)
  } catch {
    return true
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Deleted already, or not permitted. The next sweep tries again.
  }
}
