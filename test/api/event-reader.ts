/** Reads an event stream over fetch, event by event. */
import type { LogEntry } from '../../src/api/contract.ts'
import { limit } from '../fixtures/time-limit.ts'

export type StreamEvent = { name: string; id: string; data: unknown }

export type EventReader = {
  status: number
  headers: Headers
  /** Everything so far, as it came. */
  text(): string
  /** The next event that `wanted` accepts; those before it are passed over. Rejects after ten seconds. */
  next(wanted?: (event: StreamEvent) => boolean): Promise<StreamEvent>
  /** The next request that `wanted` accepts. */
  request(wanted?: (entry: LogEntry) => boolean): Promise<LogEntry>
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>
  close(): void
}

export async function readEvents(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  const events: StreamEvent[] = []
  let raw = ''
  let arrived = Promise.withResolvers<void>()
  const ended = (async () => {
    let pending = ''
    try {
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
        raw += text
        const blocks = (pending + text).split('\n\n')
        pending = blocks.pop()!
        events.push(...blocks.filter((block) => block.includes('data: ')).map(parse))
        arrived.resolve()
      }
    } catch {
      // The reader left, or was dropped.
    }
    arrived.resolve()
  })()

  async function next(wanted: (event: StreamEvent) => boolean = () => true): Promise<StreamEvent> {
    const late = AbortSignal.timeout(limit(10_000))
    for (;;) {
      const found = events.shift()
      if (found && wanted(found)) return found
      if (found) continue
      if (late.aborted) throw new Error(`no such event came; the stream was:\n${raw}`)
      arrived = Promise.withResolvers()
      late.addEventListener('abort', () => arrived.resolve())
      await arrived.promise
    }
  }

  return {
    status: response.status,
    headers: response.headers,
    text: () => raw,
    next,
    async request(wanted = () => true) {
      const isWanted = ({ name, data }: StreamEvent): boolean => name === 'request' && wanted(data as LogEntry)
      return (await next(isWanted)).data as LogEntry
    },
    ended,
    close: () => abort.abort(),
  }
}

function parse(block: string): StreamEvent {
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
  return { name: field('event'), id: field('id'), data: JSON.parse(field('data')) }
}
