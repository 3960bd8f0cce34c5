/** Files that hold secrets: for their owner's eyes alone, and changed whole or not at all. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { z } from 'zod'
import { cannotBeOpened } from '../cannot-open.ts'
import { ConfigError } from './config-error.ts'

/** null where there is none. Throws `ConfigError` for a file that other users of the machine may read. */
export function readPrivateFile(path: string): string | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null
    throw cause
  }
  try {
    if (isOpenToOthers(fstatSync(file)) && keepsModes(path)) {
      throw refused(
        path,
        `can be read by other users of this machine. Run: chmod 600 '${path.replaceAll("'", "'\\''")}'`,
      )
    }
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** The content of such a file: JSON with a `version`, of which 1 is the only one yet. `remedy` follows "is damaged." */
export function parsePrivateFile<T extends z.ZodType>(
  schema: T,
  text: string,
  { path, remedy }: { path: string; remedy: string },
): z.infer<T> {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    content = undefined
  }
  const parsed = schema.safeParse(content)
  if (parsed.success) return parsed.data
  const version = (content as { version?: unknown } | null | undefined)?.version
  if (typeof version === 'number' && version > 1) {
    throw refused(path, `was written by a newer version of Postern (format ${version}). Start that one.`)
  }
  throw refused(path, `is damaged. ${remedy}`)
}

export const privateFileText = (content: unknown): string => `${JSON.stringify(content, null, 2)}\n`

/** The new content takes the old one's place at once, and is there after a power cut. */
export function replacePrivateFile(path: string, text: string): void {
  makeFolder(dirname(path))
  const temp = temporaryBeside(path)
  try {
    writeDurably(temp, text, path)
    renameOver(temp, path)
  } catch (cause) {
    removeQuietly(temp)
    throw cause
  }
  syncFolder(dirname(path))
}

/** The complete file appears under its name at once, and only where none was: else the one that is there stays. */
export async function createPrivateFile(path: string, text: string): Promise<void> {
  makeFolder(dirname(path))
  const temp = temporaryBeside(path)
  try {
    writeDurably(temp, text, path)
    try {
      linkSync(temp, path)
    } catch (cause) {
      const code = codeOf(cause) ?? ''
      // File systems without hard links (FAT, some network mounts): the exclusive open decides who is first.
      if (['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP'].includes(code)) await writeIfAbsent(path, text)
      else if (code !== 'EEXIST') throw cause
    }
  } finally {
    removeQuietly(temp)
  }
  syncFolder(dirname(path))
}

/**
 * Opens for writing with mode 0600. What root makes belongs to whom the file at `like` belongs to, or its folder: the
 * server, under a user of its own, must be able to read it.
 */
export function openPrivate(path: string, flags: 'wx' | 'a', like: string): number {
  const asRoot = process.geteuid?.() === 0
  const owner = asRoot ? (statSync(like, { throwIfNoEntry: false }) ?? statSync(dirname(like))) : null
  const file = openSync(path, flags, 0o600)
  try {
    if (owner !== null && owner.uid !== 0) fchownSync(file, owner.uid, owner.gid)
    return file
  } catch (cause) {
    closeSync(file)
    throw cause
  }
}

export function refused(path: string, message: string): ConfigError {
  return new ConfigError([{ source: { from: 'file', file: path, line: 1 }, key: null, message }])
}

/** A failed system call as a `ConfigError` that names the file; others as they are. */
export function toFileProblem(path: string, cause: unknown): unknown {
  if (cause instanceof ConfigError) return cause
  return refused(path, cannotBeOpened(path, cause, { to: 'read or written', or: 'name another folder with --storage' }))
}

const codeOf = (cause: unknown): string | undefined => (cause as NodeJS.ErrnoException).code

const isOpenToOthers = (file: Stats): boolean => process.platform !== 'win32' && (file.mode & 0o077) !== 0

/** Some mounts show one mode for every file; there, a mode says nothing and chmod changes nothing. */
function keepsModes(path: string): boolean {
  const probe = temporaryBeside(path)
  try {
    closeSync(openSync(probe, 'wx', 0o600))
    return !isOpenToOthers(statSync(probe))
  } catch {
    return true
  } finally {
    removeQuietly(probe)
  }
}

const temporaryBeside = (path: string): string =>
  join(dirname(path), `.${basename(path, '.json')}-${randomBytes(9).toString('hex')}.tmp`)

function writeDurably(path: string, text: string, like: string): void {
  const file = openPrivate(path, 'wx', like)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

async function writeIfAbsent(path: string, text: string): Promise<void> {
  try {
    writeDurably(path, text, path)
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause
    // Another process is at it: wait until what it writes is whole.
    for (let tries = 0; tries < 50; tries++) {
      if (readFileSync(path, 'utf8').endsWith('}\n')) return
      await new Promise((wake) => setTimeout(wake, 20))
    }
  }
}

/** Windows refuses for the moment in which another process has the old file open. */
function renameOver(from: string, to: string): void {
  for (let tries = 0; ; tries++) {
    try {
      renameSync(from, to)
      return
    } catch (cause) {
      if (process.platform !== 'win32' || tries === 50) throw cause
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}

/** Folders that are new survive a power cut too, up to the first that was there. */
function makeFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true })
  if (first === undefined) return
  for (let made = resolve(folder); made.length >= resolve(first).length; made = dirname(made)) syncFolder(dirname(made))
}

/** Makes the new name survive a power cut, where the system can. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } catch {
    // Some mounts refuse to sync a folder; the file itself is safe.
  } finally {
    closeSync(handle)
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It is not there, or cannot be removed: nothing depends on it.
  }
}
