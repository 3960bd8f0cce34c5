/** Answers that a handler writes, kept in memory instead of being sent. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

export type RecordedAnswer = { status: number; headers: OutgoingHttpHeaders; body: Buffer }

/**
 * Runs `run` with a response that records what is written to it. Afterwards the response is as before, without added
 * headers. Throws the errors of `run`.
 */
export async function recordAnswer(res: ServerResponse, run: () => Promise<void>): Promise<RecordedAnswer> {
  const before = res.getHeaders()
  const chunks: Buffer[] = []
  const ended = Promise.withResolvers<void>()
  const add = (chunk: unknown): void => {
    if (typeof chunk === 'string') chunks.push(Buffer.from(chunk))
    else if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk))
  }
  const own = Object.getOwnPropertyDescriptors(res)
  res.writeHead = ((status: number, ...more: unknown[]) => {
    res.statusCode = status
    const headers = more.find((one) => typeof one === 'object' && one !== null && !Array.isArray(one))
    for (const [name, value] of Object.entries(headers ?? {})) res.setHeader(name, value as string)
    return res
  }) as typeof res.writeHead
  res.flushHeaders = () => {}
  res.write = ((chunk: unknown, ...more: unknown[]) => {
    add(chunk)
    const done = more.find((one) => typeof one === 'function') as (() => void) | undefined
    if (done) setImmediate(done)
    return true
  }) as typeof res.write
  res.end = ((chunk?: unknown, ...more: unknown[]) => {
    add(chunk)
    const done = [chunk, ...more].find((one) => typeof one === 'function') as (() => void) | undefined
    if (done) setImmediate(done)
    ended.resolve()
    return res
  }) as typeof res.end
  try {
    // A handler that pipes may resolve before the last byte, or only when the response was really sent.
    const running = run()
    running.catch(() => {})
    await Promise.race([running.then(() => ended.promise), ended.promise, closed(res)])
    return { status: res.statusCode, headers: res.getHeaders(), body: Buffer.concat(chunks) }
  } finally {
    for (const name of ['writeHead', 'flushHeaders', 'write', 'end'] as const) {
      const was = own[name]
      if (was) Object.defineProperty(res, name, was)
      else delete (res as Partial<ServerResponse>)[name]
    }
    for (const name of res.getHeaderNames()) if (!(name in before)) res.removeHeader(name)
    res.statusCode = 200
  }
}

const closed = (res: ServerResponse): Promise<void> => new Promise((resolve) => res.once('close', () => resolve()))

export function replay(res: ServerResponse, { status, headers, body }: RecordedAnswer): void {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) res.setHeader(name, value)
  res.statusCode = status
  res.end(body)
}
