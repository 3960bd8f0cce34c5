/**
 * Writes lines to a file, a pipe or a terminal. Appending never blocks and never fails. Lines that cannot be written
 * yet stay in memory up to a limit. Lines beyond the limit are dropped and counted.
 */

export type LineWriter = {
  append(line: string): void
  /** Writes the pending lines if possible. Drops and counts the rest. */
  close(): Promise<void>
  /** Writes the pending lines synchronously, when the process exits. */
  flushSync(): void
  /** Lines dropped since the start. */
  readonly dropped: number
}

export type LineWriterOptions = {
  /** Writes some of the bytes and returns how many. Throws `EAGAIN` if none can be written now. */
  put: (bytes: Buffer) => Promise<number> | number
  /** The same for `flushSync`. */
  putSync: (bytes: Buffer) => number
  /** Called once per failure, until writing succeeds again. Not called for `EAGAIN`. */
  onFailure?: (cause: unknown) => void
  /** Called when writing succeeds again after a failure or after dropped lines. */
  onRecovery?: (o: { dropped: number }) => void
  /** Milliseconds until a failed write is retried. Default 1000. */
  retryAfter?: number
  /** Limit of pending characters. Default 8 Mi. */
  maxWaiting?: number
}

/** Milliseconds until a full pipe is retried. */
const pipeRetryAfter = 20
/** Characters per write. */
const maxBatch = 256 * 1024

export function createLineWriter(o: LineWriterOptions): LineWriter {
  const { put, putSync, retryAfter = 1000, maxWaiting = 8 * 1024 * 1024 } = o
  let lines: string[] = []
  let waiting = 0
  /** Bytes of a write that failed or is running. */
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
      // The bytes of a running write already belong to the system.
      const begun = writing === null ? [rest] : []
      let left = Buffer.concat([...begun, Buffer.from(lines.join(''))])
      if (writing === null) rest = Buffer.alloc(0)
      try {
        while (left.length > 0) left = left.subarray(putSync(left))
      } catch {
        // Bytes that cannot be written now stay pending.
      }
      lines = left.length > 0 ? [left.toString()] : []
      waiting = lines[0]?.length ?? 0
    },
    get dropped() {
      return dropped
    },
  }
}
