/** Messages for a file or folder that cannot be used, with its path, the user of this process, and what to do. */
import { accessSync, constants, mkdirSync, statSync, type Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { userName } from './user-name.ts'

export type UseOptions = {
  /** The failed operation: `opened`, `written`, … */
  to?: string
  /** An alternative that follows "or", such as a setting or option that names another path. */
  or?: string
}

/** `cause` is an error of the file system or of SQLite. */
export function cannotOpen(path: string, cause: unknown, o: UseOptions = {}): string {
  return `${resolve(path)} ${cannotBeOpened(path, cause, o)}`
}

/** Without the path, for a message that starts with it. */
export function cannotBeOpened(path: string, cause: unknown, { to = 'opened', or }: UseOptions = {}): string {
  const full = resolve(path)
  const code = reasonFor(full, cause)
  const what = remedy(full, code)
  return `cannot be ${to} by ${userName()} (${code}). ${or === undefined ? what : `${what}, or ${or}`}.`
}

/** Only what to do, for `doctor` and others that print it on a separate line. */
export function remedyFor(path: string, cause: unknown, { or }: Pick<UseOptions, 'or'> = {}): string {
  const full = resolve(path)
  const what = remedy(full, reasonFor(full, cause))
  return `${or === undefined ? what : `${what}, or ${or}`}.`
}

const verbs: Record<string, string> = {
  mkdir: 'created',
  mkdtemp: 'created',
  scandir: 'read',
  read: 'read',
  stat: 'accessed',
  lstat: 'accessed',
  statfs: 'accessed',
  rename: 'moved',
  link: 'moved',
  unlink: 'deleted',
  rmdir: 'deleted',
}

/** The message for an error of the file system that names a path. Undefined for any other error. */
export function explainFileError(error: unknown, o: Pick<UseOptions, 'or'> = {}): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { path, syscall, code } = error as NodeJS.ErrnoException
  if (typeof path !== 'string' || syscall === undefined || code === undefined || syscall.startsWith('spawn'))
    return undefined
  return cannotOpen(path, error, { ...o, to: verbs[syscall] ?? 'opened' })
}

/** Whether `path` exists. Throws errors such as EACCES, for which `existsSync` returns false. */
export function isThere(path: string): boolean {
  try {
    statSync(path)
    return true
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw cause
  }
}

/** A file or folder that cannot be used. The message is the sentence of `cannotOpen`. */
export class FileFailure extends Error {
  override readonly name = 'FileFailure'
  constructor(path: string, cause: unknown, o: UseOptions) {
    super(cannotOpen(path, cause, o), { cause })
  }
}

/**
 * Creates a folder and its parents. Returns the first one that was missing. A recursive mkdir of Node does not return in a
 * folder that exists and accepts no entries, such as /proc.
 */
export function makeFolders(path: string, mode?: number): string | undefined {
  const missing: string[] = []
  for (let at = resolve(path); !isThere(at); at = dirname(at)) missing.unshift(at)
  if (missing.length === 0) return mkdirSync(path, { recursive: true })
  for (const folder of missing) {
    try {
      mkdirSync(folder, mode)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || !isThere(folder)) throw cause
    }
  }
  return missing[0]
}

const denied = new Set(['EACCES', 'EPERM'])

/** SQLite does not report why a file cannot be opened, so this function finds the reason. */
function reasonFor(path: string, cause: unknown): string {
  const { code = String(cause) } = (cause ?? {}) as { code?: string }
  if (!/^SQLITE_(CANTOPEN|READONLY|PERM|AUTH)/.test(code)) return code
  try {
    if (statSync(path).isDirectory()) return 'EISDIR'
    accessSync(path, constants.R_OK | constants.W_OK)
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
    return code
  } catch (found) {
    const { code: reason = code } = found as NodeJS.ErrnoException
    return reason === 'ENOENT' ? (obstacleOn(path)?.code ?? reason) : reason
  }
}

function remedy(path: string, code: string): string {
  if (denied.has(code)) return permission(path)
  switch (code) {
    case 'ENOENT':
      return 'It does not exist. Correct the path'
    case 'ENOTDIR':
    case 'EEXIST':
      return 'A file is where a folder is needed. Move it away'
    case 'EISDIR':
      return 'It is a folder. Name a file'
    case 'ENXIO':
      return 'It is a pipe without a reader. Start the reader first'
    case 'EROFS':
      return 'It is mounted read-only, which the system does after a disk error (dmesg). Mount it for writing'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'The disk or the quota is full. Free some space'
    case 'EMFILE':
    case 'ENFILE':
      return 'Too many files are open. Raise the limit (LimitNOFILE in the systemd unit, ulimit -n in a shell)'
    default:
      return 'Check the disk and its file system (dmesg, smartctl)'
  }
}

/** Names the file or folder that denies access, and its owner. Prints a command only for `path`, because a parent may be a system folder. */
function permission(path: string): string {
  const at = obstacleOn(path)?.path ?? path
  const stats = lookAt(at)
  if (process.platform === 'win32' || stats === undefined) return `Allow this user to open ${at}`
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0')
  const facts = `belongs to uid ${stats.uid} and has mode ${mode}`
  if (at !== path) return `The folder ${at} ${facts}. Give this user access to it, or run as its owner`
  const chown = `sudo chown ${stats.isDirectory() ? '-R ' : ''}${process.geteuid?.()} ${quoted(at)}`
  return `It ${facts}. Run ${chown}, or run as its owner`
}

function obstacleOn(path: string): { path: string; code: string } | undefined {
  const folders: string[] = []
  for (let at = dirname(path); folders[0] !== at; at = dirname(at)) folders.unshift(at)
  for (const folder of folders) {
    const code = failure(folder, constants.X_OK)
    if (code === undefined || code === 'ENOENT') continue
    return { path: folder, code }
  }
  const last = folders.findLast((folder) => lookAt(folder) !== undefined)
  if (lookAt(path) !== undefined || last === undefined) return undefined
  const code = failure(last, constants.W_OK)
  return code === undefined ? undefined : { path: last, code }
}

function failure(path: string, mode: number): string | undefined {
  try {
    if (!statSync(path).isDirectory()) return 'ENOTDIR'
    accessSync(path, mode)
    return undefined
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code
  }
}

function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)
