/** A file that lines are appended to while requests are answered. A disk that is full holds up neither them nor the end. */
import { close, constants, mkdirSync, openSync, write, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { cannotOpen } from '../cannot-open.ts'
import { StorageError } from '../errors.ts'
import { createLineWriter, type LineWriter } from './line-writer.ts'
import type { Logger } from '../log.ts'

export type LineFile = Pick<LineWriter, 'append' | 'close' | 'dropped'>

const writeBytes = promisify(write)
const closeFile = promisify(close)
/** A pipe that nobody reads must not hold up the start or a write. */
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NONBLOCK ?? 0)

export type LineFileOptions = {
  /** What the log calls it where writing fails. */
  name: string
  log: Pick<Logger, 'error' | 'info'>
  /** Stands in for the system's. */
  write?: typeof writeBytes
  /** Milliseconds until what could not be written is tried again. Default 1000. */
  retryAfter?: number
}

/** For the owner's eyes alone (mode 0600). Errors: those of opening it, with path and user. */
export function openLineFile(path: string, o: LineFileOptions): LineFile {
  const { write: put = writeBytes, retryAfter = 1000 } = o
  const file = open(path, o.name)
  const lines = createLineWriter({
    put: async (bytes) => (await put(file, bytes, 0, bytes.length, null)).bytesWritten,
    putSync: (bytes) => writeSync(file, bytes),
    retryAfter,
    onFailure: (err) => o.log.error({ err }, `${o.name} cannot be written: its lines wait`),
    onRecovery: ({ dropped }) => o.log.info({ lost: dropped, dropped }, `${o.name} is written again`),
  })
  return {
    append: (line) => lines.append(line),
    async close() {
      const before = lines.dropped
      await lines.close()
      const lost = lines.dropped - before
      if (lost > 0) o.log.error({ lost }, `the last lines of ${o.name} are lost`)
      await closeFile(file)
    },
    get dropped() {
      return lines.dropped
    },
  }
}

function open(path: string, name: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true })
    return openSync(path, flags, 0o600)
  } catch (cause) {
    const sentence = cannotOpen(path, cause, { to: 'opened for writing', or: `set ${name} to another file` })
    throw new StorageError('Unavailable', { message: `${name}: ${sentence}`, cause })
  }
}
