/** Writes this process's log to stderr. A slow or missing reader cannot block the server. */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { createLineWriter, type LineWriter } from './line-writer.ts'

const stderr = 2
const writeBytes = promisify(write)
/** Limit of bytes that Node buffers for a socket. */
const maxInStream = 256 * 1024

type Put = { put: (bytes: Buffer) => Promise<number> | number; putSync: (bytes: Buffer) => number }

let opened: LineWriter | null = null

/** Created at the first call, once per process. */
export function stderrLines(): LineWriter {
  if (opened !== null) return opened
  const writer = createLineWriter({
    ...destination(),
    maxWaiting: 1024 * 1024,
    onRecovery: ({ dropped }) => {
      if (dropped > 0) writer.append(recoveryLine(dropped))
    },
  })
  process.once('exit', () => writer.flushSync())
  return (opened = writer)
}

/** Log lines that this process dropped. */
export const droppedLogLines = (): number => opened?.dropped ?? 0

/** The name of the question that workers ask the primary. */
export const droppedLinesQuestion = 'log.dropped'

/** What the primary answers its workers: it has a log too, and serves no metrics. */
export const answerDroppedLogLines = { [droppedLinesQuestion]: droppedLogLines }

/** Log lines of this process and of the primary that were dropped. The last answer counts while there is none. */
export function countDroppedLogLines(askPrimary: () => Promise<number[]>): () => Promise<number> {
  let ofPrimary = 0
  return async () => {
    const [answer = ofPrimary] = await askPrimary().catch(() => [])
    return droppedLogLines() + (ofPrimary = answer)
  }
}

const recoveryLine = (dropped: number): string =>
  `${JSON.stringify({ level: 40, time: Date.now(), dropped, msg: `the log can be written again, ${dropped} lines were dropped` })}\n`

function destination(): Put {
  if (isFile()) {
    return {
      put: async (bytes) => (await writeBytes(stderr, bytes, 0, bytes.length, null)).bytesWritten,
      putSync: (bytes) => writeSync(stderr, bytes),
    }
  }
  return openAgain() ?? throughStream()
}

/** Anything that the system cannot identify counts as a file, because reopening a file would overwrite it. */
function isFile(): boolean {
  try {
    return fstatSync(stderr).isFile()
  } catch {
    return true
  }
}

/**
 * Reopens a pipe or terminal in non-blocking mode. The flag applies only to this file description, so other processes
 * with the same pipe or terminal are not affected. null where the system cannot do this, as for sockets.
 */
function openAgain(): Put | null {
  if (process.platform !== 'linux') return null
  try {
    const file = openSync(`/proc/self/fd/${stderr}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    const put = (bytes: Buffer): number => writeSync(file, bytes)
    return { put, putSync: put }
  } catch {
    return null
  }
}

/** Node writes to a socket or pipe without blocking and buffers without a limit. */
function throughStream(): Put {
  process.stderr.on('error', () => {})
  const put = (bytes: Buffer): number => {
    if (process.stderr.destroyed) throw new Error('stderr is closed')
    if (process.stderr.writableLength > maxInStream)
      throw Object.assign(new Error('stderr is slow'), { code: 'EAGAIN' })
    process.stderr.write(bytes)
    return bytes.length
  }
  return { put, putSync: put }
}
