/** The sentence for a file or folder that cannot be used: its path, the user of this process, and what to do. */
import { accessSync, constants, statSync, type Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { userName } from './user-name.ts'

export type UseOptions = {
  /** What was to be done with it: `opened`, `written`, … */
  to?: string
  /** Another way out, in the words that follow "or": a setting or an option that names another path. */
  or?: string
}

/** `cause`: of the file system or of SQLite. */
export function cannotOpen(path: string, cause: unknown, o: UseOptions = {}): string {
  return `${resolve(path)} ${cannotBeOpened(path, cause, o)}`
}

/** The same sentence for a message that names the path in front of it. */
export function cannotBeOpened(path: string, cause: unknown, { to = 'opened', or }: UseOptions = {}): string {
  const full = resolve(path)
  const code = reasonFor(full, cause)
  const what = remedy(full, code)
  return `cannot be ${to} by ${userName()} (${code}). ${or === undefined ? what : `${what}; or ${or}`}.`
}

/** What `doctor` and others print as a line of its own. */
export function remedyFor(path: string, cause: unknown, { or }: Pick<UseOptions, 'or'> = {}): string {
  const full = resolve(path)
  const what = remedy(full, reasonFor(full, cause))
  return `${or === undefined ? what : `${what}; or ${or}`}.`
}

const verbs: Record<string, string> = {
  mkdir: 'made',
  mkdtemp: 'made',
  scandir: 'read',
  read: 'read',
  stat: 'looked at',
  lstat: 'looked at',
  statfs: 'looked at',
  rename: 'moved',
  link: 'moved',
  unlink: 'removed',
  rmdir: 'removed',
}

/** The sentence for an error of the file system that names a path; undefined for any other. */
export function explainFileError(error: unknown, o: Pick<UseOptions, 'or'> = {}): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { path, syscall, code } = error as NodeJS.ErrnoException
  if (typeof path !== 'string' || syscall === undefined || code === undefined || syscall.startsWith('spawn'))
    return undefined
  return cannotOpen(path, error, { ...o, to: verbs[syscall] ?? 'opened' })
}

/** Whether something is at `path`. Errors: those of looking, such as EACCES, which `existsSync` takes for absence. */
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

const denied = new Set(['EACCES', 'EPERM'])

/** SQLite says only that a file cannot be opened: the reason is found again. */
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
      return 'It does not exist: correct the path'
    case 'ENOTDIR':
    case 'EEXIST':
      return 'A file is where a folder is needed: move it away'
    case 'EISDIR':
      return 'It is a folder, and a file is expected'
    case 'ENXIO':
      return 'It is a pipe without a reader. Start the reader first'
    case 'EROFS':
      return 'It is mounted read-only: mount it for writing. After a disk error the system does that by itself (dmesg)'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'The disk or the quota is full: make room'
    case 'EMFILE':
    case 'ENFILE':
      return 'Too many files are open: raise the limit (LimitNOFILE in the systemd unit, ulimit -n in a shell)'
    default:
      return 'Check the disk and its file system (dmesg, smartctl)'
  }
}

/** Names what keeps this user out, and whose it is. A command for the path alone: a parent folder may be the system's. */
function permission(path: string): string {
  const at = obstacleOn(path)?.path ?? path
  const stats = lookAt(at)
  if (process.platform === 'win32' || stats === undefined) return `Let this user open ${at}`
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0')
  const whose = `belongs to uid ${stats.uid} and has mode ${mode}`
  if (at !== path) return `The folder ${at} ${whose}: give this user access to it, or run as its owner`
  const chown = `sudo chown ${stats.isDirectory() ? '-R ' : ''}${process.geteuid?.()} ${quoted(at)}`
  return `It ${whose}: run ${chown}, or run as its owner`
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
