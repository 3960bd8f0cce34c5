/** Translates errors of the file system and of SQLite to `StorageError`. */
import { cannotOpen, explainFileError } from '../../cannot-open.ts'
import { StorageError, type StorageErrorCode } from '../../errors.ts'
import { errorCode } from './file-calls.ts'
import type { DiskLog } from './log.ts'

/** Startup was refused because of the content of the folder. Waiting does not help, but a command or a backup does. */
export class UnusableStore extends StorageError {
  constructor(message: string, o: { cause?: unknown; retryAfter?: number } = {}) {
    super('Unavailable', { message, ...o })
  }
}

/** Explains what a store without syncs may have lost, which is the usual reason for this refusal. */
export function afterUnsynced(error: unknown): unknown {
  if (!(error instanceof UnusableStore)) return error
  return new UnusableStore(
    `${error.message} storage.disk.fsync is none, so a power cut or a system crash may have lost acknowledged changes of the ` +
      'last minute, and the bytes of new objects. After the command, postern verify --deep ' +
      'lists the objects whose bytes are lost. Set storage.disk.fsync to full to keep all acknowledged changes.',
    { cause: error },
  )
}

const fileErrors: Record<string, [StorageErrorCode, string]> = {
  ENOSPC: ['InsufficientStorage', 'The disk is full.'],
  EDQUOT: ['InsufficientStorage', 'The disk quota of the server is used up.'],
  EFBIG: ['InsufficientStorage', 'The file system cannot hold a file of this size.'],
  EMFILE: ['Unavailable', 'Too many files are open. Retry later.'],
  ENFILE: ['Unavailable', 'Too many files are open. Retry later.'],
}

/** Errors of the disk. Another access to the path could block. */
const ofTheDisk = new Set(['EIO', 'ETIMEDOUT', 'ESTALE', 'EREMOTEIO', 'ENODEV'])

/**
 * Returns every other error unchanged, because an error of a request body belongs to its sender. `index`: the path of
 * the object index, for messages about SQLite errors.
 */
export function toStorageError(cause: unknown, { index }: { index?: string } = {}): unknown {
  if (cause instanceof StorageError) return cause
  const code = errorCode(cause)
  if (code === undefined) return cause
  if (code.startsWith('SQLITE_')) return indexError(code, cause, index)
  if (!isSystemError(cause)) return cause
  const [mapped, message] = fileErrors[code] ?? ['Unavailable', unusable(code, cause)]
  return new StorageError(mapped, { message, retryAfter: 5, cause })
}

function unusable(code: string, cause: Error & { syscall?: unknown }): string {
  const sentence = ofTheDisk.has(code) ? undefined : explainFileError(cause)
  return (
    sentence ??
    `The store cannot be used now: ${String(cause.syscall)} failed (${code}). Check the disk and its file system (dmesg, smartctl).`
  )
}

const indexErrors: [RegExp, StorageErrorCode, string][] = [
  [/^SQLITE_(BUSY|LOCKED)/, 'Unavailable', 'The object index is busy. Retry later.'],
  [/^SQLITE_FULL/, 'Unavailable', 'No space is left for the object index.'],
  [/^SQLITE_IOERR_(DIR_)?FSYNC/, 'Internal', 'The object index could not be made durable.'],
]

export const damagedIndex = (index: string | undefined): string =>
  `The object index ${index === undefined ? '' : `${index} `}is damaged. Stop the server and run postern rebuild-index, which rebuilds it from objects/.`

export const isIndexDamage = (e: unknown): boolean => /^SQLITE_(CORRUPT|NOTADB)/.test(errorCode(e) ?? '')

/** Background work logs the damage of the index as requests report it: with the remedy. */
export function namingDamage(log: DiskLog, index: string): DiskLog {
  const named = (facts: object): object =>
    'err' in facts && isIndexDamage(facts.err) ? { ...facts, err: toStorageError(facts.err, { index }) } : facts
  return {
    info: (facts, message) => log.info(facts, message),
    warn: (facts, message) => log.warn(named(facts), message),
    error: (facts, message) => log.error(named(facts), message),
  }
}

function indexError(code: string, cause: unknown, index: string | undefined): StorageError {
  if (isIndexDamage(cause)) return new UnusableStore(damagedIndex(index), { retryAfter: 5, cause })
  const [, mapped, message] = indexErrors.find(([pattern]) => pattern.test(code)) ?? []
  if (mapped === 'Internal') return new StorageError(mapped, { message: message!, cause })
  const retryAfter = /^SQLITE_(BUSY|LOCKED)/.test(code) ? 1 : 5
  return new StorageError('Unavailable', {
    message:
      message ??
      (index === undefined
        ? 'The object index cannot be used now.'
        : `The object index ${cannotOpen(index, cause, { to: 'used' })}`),
    retryAfter,
    cause,
  })
}

/**
 * The change may be in the log although it was not acknowledged. The next write or start applies it if it is there, so
 * no part of it may be undone.
 */
export class UnknownOutcome extends StorageError {
  constructor(cause: unknown) {
    super('Internal', {
      message: 'The write could not be confirmed and may have happened. Read the object before you retry.',
      cause,
    })
  }
}

export const mayHaveHappened = (e: unknown): boolean => e instanceof UnknownOutcome || isIndexFailure(e)

/**
 * After these errors, a commit may or may not be on disk, so no further write may be acknowledged. A failed write (no
 * space, no quota) is not one of them: it happens before the sync, and the written part of the transaction is no
 * commit.
 */
export const isIndexFailure = (e: unknown): boolean =>
  /^SQLITE_(IOERR(?!_WRITE|_READ|_SHORT_READ)|CORRUPT|NOTADB)/.test(errorCode(e) ?? '')

/** Another process is writing. The transaction has changed nothing. */
export const isIndexBusy = (e: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(errorCode(e) ?? '')

const isSystemError = (e: unknown): e is Error & { syscall: unknown } =>
  e instanceof Error && 'errno' in e && 'syscall' in e
