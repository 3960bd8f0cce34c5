/** Appends lines to a file while requests are answered. A full disk delays neither requests nor shutdown. */
import { close, constants, openSync, write, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { cannotOpen, makeFolders } from '../cannot-open.ts'
import { StorageError } from '../errors.ts'
import { createLineWriter, type LineWriter } from './line-writer.ts'
import type { Logger } from '../log.ts'

export type LineFile = Pick<LineWriter, 'append' | 'close' | 'dropped'>

const writeBytes = promisify(write)
const closeFile = promisify(close)
/** Non-blocking, because a pipe without a reader must not block startup or a write. */
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NONBLOCK ?? 0)

export type LineFileOptions = {
  /** The name used in the log when writing fails. */
  name: string
  log: Pick<Logger, 'error' | 'info'>
  /** Replaces the system call in tests. */
  write?: typeof writeBytes
  /** Milliseconds until a failed write is retried. Default 1000. */
  retryAfter?: number
}

/** Creates the file with mode 0600. Errors: those of opening it, with path and user. */
export function openLineFile(path: string, o: LineFileOptions): LineFile {
  const { write: put = writeBytes, retryAfter = 1000 } = o
  const file = open(path, o.name)
  const lines = createLineWriter({
    put: async (bytes) => (await put(file, bytes, 0, bytes.length, null)).bytesWritten,
    putSync: (bytes) => writeSync(file, bytes),
    retryAfter,
    onFailure: (err) => o.log.error({ err }, `${o.name} cannot be written, so its lines are kept in memory`),
    onRecovery: ({ dropped }) => o.log.info({ lost: dropped, dropped }, `${o.name} can be written again`),
  })
  return {
    append: (line) => lines.append(line),
    async close() {
      const before = lines.dropped
      await lines.close()
      const lost = lines.dropped - before
      if (lost > 0) o.log.error({ lost }, `the last lines of ${o.name} were lost`)
      await closeFile(file)
    },
    get dropped() {
      return lines.dropped
    },
  }
}

function open(path: string, name: string): number {
  try {
    makeFolders(dirname(path))
    return openSync(path, flags, 0o600)
  } catch (cause) {
    const sentence = cannotOpen(path, cause, { to: 'opened for writing', or: `set ${name} to another file` })
    throw new StorageError('Unavailable', { message: `${name}: ${sentence}`, cause })
  }
}
