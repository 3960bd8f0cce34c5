/** The edge at which errors of the file system and of SQLite become ours. */
import { cannotOpen, explainFileError } from '../../cannot-open.ts'
import { StorageError, type StorageErrorCode } from '../../errors.ts'
import { errorCode } from './file-calls.ts'

/** A start that is refused because of what is in the folder. Waiting does not help; a command or a backup does. */
export class UnusableStore extends StorageError {
  constructor(message: string, o: { cause?: unknown; retryAfter?: number } = {}) {
    super('Unavailable', { message, ...o })
  }
}

/** Adds what a store without syncs may have lost: it is the usual reason for such a refusal. */
export function afterUnsynced(error: unknown): unknown {
  if (!(error instanceof UnusableStore)) return error
  return new UnusableStore(
    `${error.message} storage.disk.fsync is none, so a power cut or a crash of the system can have taken changes of the ` +
      'last minute that were answered already, and the bytes of new objects. After the command, postern verify --deep ' +
      'lists the objects whose bytes are lost. Set storage.disk.fsync to full to lose nothing that was answered.',
    { cause: error },
  )
}

const fileErrors: Record<string, [StorageErrorCode, string]> = {
  ENOSPC: ['InsufficientStorage', 'The disk is full.'],
  EDQUOT: ['InsufficientStorage', 'The disk quota of the server is used up.'],
  EFBIG: ['InsufficientStorage', 'The file system cannot hold a file of this size.'],
  EMFILE: ['Unavailable', 'Too many files are open; try again.'],
  ENFILE: ['Unavailable', 'Too many files are open; try again.'],
}

/** Errors of the disk itself, after which looking at the path again could wait for it. */
const ofTheDisk = new Set(['EIO', 'ETIMEDOUT', 'ESTALE', 'EREMOTEIO', 'ENODEV'])

/**
 * Returns every other error unchanged: an error of a request body belongs to its sender.
 * `index`: the path of the object index, for what SQLite reports.
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
  [/^SQLITE_(BUSY|LOCKED)/, 'Unavailable', 'The object index is busy; try again.'],
  [/^SQLITE_FULL/, 'Unavailable', 'No space is left for the object index.'],
  [/^SQLITE_IOERR_(DIR_)?FSYNC/, 'Internal', 'The object index could not be made durable.'],
]

export const damagedIndex = (index: string | undefined): string =>
  `The object index ${index === undefined ? '' : `${index} `}is damaged. Stop the server and run postern rebuild-index, which makes it from objects/.`

function indexError(code: string, cause: unknown, index: string | undefined): StorageError {
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return new UnusableStore(damagedIndex(index), { retryAfter: 5, cause })
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
 * The change may be in the log although it was not answered: it is applied by the next write or start, or it is not there.
 * Nothing of it may be taken back.
 */
export class UnknownOutcome extends StorageError {
  constructor(cause: unknown) {
    super('Internal', {
      message: 'The write could not be confirmed. It may have happened: read the object before you retry.',
      cause,
    })
  }
}

export const mayHaveHappened = (e: unknown): boolean => e instanceof UnknownOutcome || isIndexFailure(e)

/**
 * After these a commit may or may not be on the disk: nothing more may be promised. A write that failed is none of
 * them (no space, no quota): it comes before the sync, and what was written of the transaction is no commit.
 */
export const isIndexFailure = (e: unknown): boolean =>
  /^SQLITE_(IOERR(?!_WRITE|_READ|_SHORT_READ)|CORRUPT|NOTADB)/.test(errorCode(e) ?? '')

/** Another process writes; nothing of the transaction has happened. */
export const isIndexBusy = (e: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(errorCode(e) ?? '')

const isSystemError = (e: unknown): e is Error & { syscall: unknown } =>
  e instanceof Error && 'errno' in e && 'syscall' in e
