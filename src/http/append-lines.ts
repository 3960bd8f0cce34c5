/** A file that lines are appended to while requests are answered. A disk that is full holds up neither them nor the end. */
import { close, mkdirSync, openSync, write } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from './logger.ts'

export type LineFile = {
  append(line: string): void
  /** What waits is written if it can be; then the file is closed. */
  close(): Promise<void>
}

/** Characters that wait for the disk; lines beyond them are lost, and counted. */
const maxWaiting = 8 * 1024 * 1024

const writeBytes = promisify(write)
const closeFile = promisify(close)

export type LineFileOptions = {
  /** What the log calls it where writing fails. */
  name: string
  log: Pick<Logger, 'error' | 'info'>
  /** Stands in for the system's. */
  write?: typeof writeBytes
  /** Milliseconds until what could not be written is tried again. Default 1000. */
  retryAfter?: number
}

/** For the owner's eyes alone (mode 0600). Errors: those of opening it. */
export function openLineFile(path: string, o: LineFileOptions): LineFile {
  const { write: put = writeBytes, retryAfter = 1000 } = o
  mkdirSync(dirname(path), { recursive: true })
  const file = openSync(path, 'a', 0o600)
  let lines: string[] = []
  let waiting = 0
  let lost = 0
  /** Bytes of which a write has failed. */
  let rest = Buffer.alloc(0)
  let failing = false
  let retry: NodeJS.Timeout | undefined
  let writing: Promise<void> | null = null

  async function drain(): Promise<void> {
    while (rest.length > 0 || lines.length > 0) {
      if (rest.length === 0) {
        rest = Buffer.from(lines.join(''))
        lines = []
        waiting = 0
      }
      const { bytesWritten } = await put(file, rest, 0, rest.length, null)
      rest = rest.subarray(bytesWritten)
    }
    if (failing) o.log.info({ lost }, `${o.name} is written again`)
    failing = false
    lost = 0
  }

  function start(): Promise<void> {
    return (writing ??= drain()
      .catch((err: unknown) => {
        if (!failing) o.log.error({ err }, `${o.name} cannot be written: its lines wait`)
        failing = true
        retry = setTimeout(start, retryAfter).unref()
      })
      .finally(() => (writing = null)))
  }

  return {
    append(line) {
      if (waiting + line.length > maxWaiting) {
        lost++
        return
      }
      lines.push(line)
      waiting += line.length
      if (!failing) void start()
    },
    async close() {
      await writing
      clearTimeout(retry)
      await start()
      clearTimeout(retry)
      if (rest.length > 0) o.log.error({ lost: lost + lines.length }, `the last lines of ${o.name} are lost`)
      await closeFile(file)
    },
  }
}
