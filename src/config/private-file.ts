/** Files that contain secrets. Only their owner may read them, and changes are atomic. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
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
import { FileFailure, makeFolders } from '../cannot-open.ts'
import { ConfigError } from './config-error.ts'

/** Null if there is no file. Throws `ConfigError` if other users of the machine may read it. */
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

/** Parses the content of such a file: JSON with `version` 1. `remedy` follows "is damaged." in the message. */
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
    throw refused(path, `was written by a newer version of Postern (format ${version}). Start that version.`)
  }
  throw refused(path, `is damaged. ${remedy}`)
}

export const privateFileText = (content: unknown): string => `${JSON.stringify(content, null, 2)}\n`

/** Replaces the content atomically and durably. */
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

/** Creates the complete file atomically. An existing file stays unchanged. */
export async function createPrivateFile(path: string, text: string): Promise<void> {
  makeFolder(dirname(path))
  const temp = temporaryBeside(path)
  try {
    writeDurably(temp, text, path)
    try {
      linkSync(temp, path)
    } catch (cause) {
      const code = codeOf(cause) ?? ''
      // Some file systems have no hard links (FAT, some network mounts). There, the exclusive open decides.
      if (['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP'].includes(code)) await writeIfAbsent(path, text)
      else if (code !== 'EEXIST') throw cause
    }
  } finally {
    removeQuietly(temp)
  }
  syncFolder(dirname(path))
}

/**
 * Opens for writing with mode 0600. If root creates the file, it gets the owner of the file at `like`, or of its folder,
 * because the server may run as another user and must be able to read it.
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

/** Turns a failed system call into an error whose message names the file. Returns a ConfigError unchanged. */
export function toFileProblem(path: string, cause: unknown): unknown {
  if (cause instanceof ConfigError) return cause
  return new FileFailure(path, cause, { to: 'read or written', or: 'name another folder with --storage' })
}

const codeOf = (cause: unknown): string | undefined => (cause as NodeJS.ErrnoException).code

const isOpenToOthers = (file: Stats): boolean => process.platform !== 'win32' && (file.mode & 0o077) !== 0

/** False on mounts that show one mode for every file. There, chmod has no effect. */
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
    // Another process is creating the file. Wait until it is complete.
    for (let tries = 0; tries < 50; tries++) {
      if (readFileSync(path, 'utf8').endsWith('}\n')) return
      await new Promise((wake) => setTimeout(wake, 20))
    }
  }
}

/** On Windows, the rename fails while another process has the old file open. */
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

/** Syncs the parents of all new folders, so that they survive a power cut. */
function makeFolder(folder: string): void {
  const first = makeFolders(folder)
  if (first === undefined) return
  for (let made = resolve(folder); made.length >= resolve(first).length; made = dirname(made)) syncFolder(dirname(made))
}

/** Makes new names in the folder durable, if the system can. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } catch {
    // Some mounts refuse to sync a folder. The file itself is durable.
  } finally {
    closeSync(handle)
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // The file does not exist, or cannot be deleted. Nothing depends on it.
  }
}
