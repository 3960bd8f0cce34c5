/**
 * Lines on their way to a file, a pipe or a terminal. Appending never waits and never fails: what the other end does not
 * take in time waits in memory up to a limit, and lines beyond the limit are dropped and counted.
 */

export type LineWriter = {
  append(line: string): void
  /** Writes what waits, if it can be written now; what cannot is dropped and counted. */
  close(): Promise<void>
  /** At the end of the process: writes what waits without waiting for the event loop. */
  flushSync(): void
  /** Lines since the start. */
  readonly dropped: number
}

export type LineWriterOptions = {
  /** Takes some of the bytes and says how many. `EAGAIN`: none now. */
  put: (bytes: Buffer) => Promise<number> | number
  /** The same for `flushSync`. */
  putSync: (bytes: Buffer) => number
  /** Told once until the lines are written again; not for `EAGAIN`. */
  onFailure?: (cause: unknown) => void
  /** Told when lines are written again after a failure, or after some were dropped. */
  onRecovery?: (o: { dropped: number }) => void
  /** Milliseconds until a failed write is retried. Default 1000. */
  retryAfter?: number
  /** Characters that wait. Default 8 Mi. */
  maxWaiting?: number
}

/** Milliseconds until a pipe that is full is tried again. */
const pipeRetryAfter = 20
/** Characters of one write. */
const maxBatch = 256 * 1024

export function createLineWriter(o: LineWriterOptions): LineWriter {
  const { put, putSync, retryAfter = 1000, maxWaiting = 8 * 1024 * 1024 } = o
  let lines: string[] = []
  let waiting = 0
  /** Bytes of lines of which a write has failed or is running. */
  let rest = Buffer.alloc(0)
  let linesInRest = 0
  let dropped = 0
  let droppedSince = 0
  let failing = false
  let retry: NodeJS.Timeout | undefined
  let writing: Promise<void> | null = null

  function drop(count: number): void {
    dropped += count
    droppedSince += count
  }

  function takeBatch(): void {
    let length = 0
    let count = 0
    while (count < lines.length && (count === 0 || length + lines[count]!.length <= maxBatch))
      length += lines[count++]!.length
    rest = Buffer.from(lines.slice(0, count).join(''))
    lines = lines.slice(count)
    linesInRest = count
    waiting -= length
  }

  async function drain(): Promise<void> {
    while (rest.length > 0 || lines.length > 0) {
      if (rest.length === 0) takeBatch()
      const result = put(rest)
      const taken = typeof result === 'number' ? result : await result
      rest = rest.subarray(taken)
      if (rest.length === 0 && (failing || droppedSince > 0)) recover()
    }
  }

  function recover(): void {
    const facts = { dropped: droppedSince }
    failing = false
    droppedSince = 0
    o.onRecovery?.(facts)
  }

  function start(): Promise<void> {
    clearTimeout(retry)
    retry = undefined
    return (writing ??= drain()
      .catch((cause: unknown) => {
        const isFull = (cause as NodeJS.ErrnoException).code === 'EAGAIN'
        if (!failing && !isFull) o.onFailure?.(cause)
        failing ||= !isFull
        retry = setTimeout(() => void start(), isFull ? Math.min(pipeRetryAfter, retryAfter) : retryAfter).unref()
      })
      .finally(() => (writing = null)))
  }

  return {
    append(line) {
      if (waiting + line.length > maxWaiting) return drop(1)
      lines.push(line)
      waiting += line.length
      if (retry === undefined && writing === null) void start()
    },
    async close() {
      await writing
      await start()
      clearTimeout(retry)
      if (rest.length > 0) drop(linesInRest + lines.length)
      lines = []
      waiting = 0
    },
    flushSync() {
      // Bytes of a write that runs are with the system already.
      const begun = writing === null ? [rest] : []
      let left = Buffer.concat([...begun, Buffer.from(lines.join(''))])
      if (writing === null) rest = Buffer.alloc(0)
      try {
        while (left.length > 0) left = left.subarray(putSync(left))
      } catch {
        // What the other end does not take now waits on.
      }
      lines = left.length > 0 ? [left.toString()] : []
      waiting = lines[0]?.length ?? 0
    },
    get dropped() {
      return dropped
    },
  }
}
