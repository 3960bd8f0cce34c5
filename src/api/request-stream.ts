/**
 * Streams requests as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), with
 * limits on readers.
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { StorageError } from '../errors.ts'
import type { LoggedRequest, RequestLog } from '../http/request-log.ts'
import type { ApiDeps } from './deps.ts'
import type { LogEntry } from './contract.ts'
import { logEntry } from './log-entry.ts'
import { keepRuns, parsePlace, placeText, readAfter } from './request-place.ts'

export type StreamLimits = {
  /** Concurrent readers in total and per user. */
  readers: number
  readersOfOne: number
  /** Milliseconds between comments, which keep proxies from closing the connection. */
  heartbeat: number
  /** Milliseconds for a reader to accept a write. */
  patience: number
  /** Milliseconds until a stream ends. The reader then reconnects and authenticates again. */
  maxAge: number
  /** Explanations per second for all readers together. */
  explanations: number
}

export const usualLimits: StreamLimits = {
  readers: 64,
  readersOfOne: 8,
  heartbeat: 15_000,
  patience: 10_000,
  maxAge: 15 * 60_000,
  explanations: 50,
}

export type Reader = {
  user: string
  /** `Last-Event-ID`: the position where the reader's last stream ended. Empty to read the whole log. */
  lastId: string
  maySee: (request: LoggedRequest) => boolean | Promise<boolean>
  /** Administrators may connect even if all other slots are taken. */
  admin?: boolean
}

export type RequestStreams = {
  /** Writes to `res` until the reader disconnects or is too slow, or the gateway stops. Errors: TooManyRequests. */
  open(res: ServerResponse, reader: Reader): void
}

/** Requests read from the ring at once, and the milliseconds between reads. */
const batch = 100
const gather = 50

export function createRequestStreams(o: {
  log: RequestLog
  explain: ApiDeps['explain']
  limits?: Partial<StreamLimits>
}): RequestStreams {
  const limits = { ...usualLimits, ...o.limits }
  const admit = createReaderLimit(limits)
  const explain = o.explain && rateLimited(o.explain, limits.explanations)
  const made = new WeakMap<LoggedRequest, LogEntry>()

  /** Built once for all readers. */
  function entryOf(request: LoggedRequest): LogEntry {
    const known = made.get(request)
    if (known) return known
    const entry = logEntry(request, { id: `${request.run}-${request.seq}`, explain })
    made.set(request, entry)
    return entry
  }

  async function send(res: ServerResponse, reader: Reader, ended: AbortSignal): Promise<void> {
    const place = parsePlace(reader.lastId)
    let woken = Promise.withResolvers<void>()
    const unwatch = o.log.watch({ wake: () => woken.resolve(), end: () => res.end() })
    ended.addEventListener('abort', () => woken.resolve())
    const write = async (text: string): Promise<void> => {
      if (res.writableEnded || res.write(text)) return
      await once(res, 'drain', { signal: AbortSignal.any([ended, AbortSignal.timeout(limits.patience)]) })
    }
    try {
      await o.log.whenComplete()
      await write(event('hello', { resumed: keepRuns(place, o.log.sources()) }))
      while (!res.writableEnded && !ended.aborted) {
        woken = Promise.withResolvers()
        keepRuns(place, o.log.sources())
        const { requests, missed } = readAfter(o.log.sources(), place, batch)
        let text = missed > 0 ? event('missed', { count: missed }) : ''
        for (const request of requests) {
          place.set(request.run, request.seq)
          if (await reader.maySee(request)) text += event('request', entryOf(request), placeText(place))
        }
        if (text !== '') await write(text)
        if (requests.length === batch) continue
        if (await quiet(woken.promise, limits.heartbeat)) await write(':\n\n')
        else await sleep(gather)
      }
    } finally {
      unwatch()
    }
  }

  return {
    open(res, reader) {
      const leave = admit(reader)
      const closed = new AbortController()
      const age = setTimeout(() => res.end(), limits.maxAge)
      res.once('close', () => {
        clearTimeout(age)
        closed.abort()
        leave()
      })
      res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
      // Too slow or disconnected. The connection accepts no more data.
      send(res, reader, closed.signal).catch(() => res.destroy())
    },
  }
}

const event = (name: string, data: unknown, id?: string): string =>
  `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`

/** Whether nothing happened for this many milliseconds. */
async function quiet(woken: Promise<void>, milliseconds: number): Promise<boolean> {
  const late = Promise.withResolvers<true>()
  const timer = setTimeout(() => late.resolve(true), milliseconds)
  const isQuiet = await Promise.race([woken.then(() => false), late.promise])
  clearTimeout(timer)
  return isQuiet
}

/** Counts readers. Returns a function that frees the slot. */
function createReaderLimit({ readers, readersOfOne }: StreamLimits): (reader: Reader) => () => void {
  const inside = new Map<string, number>()
  let all = 0
  return ({ user, admin = false }) => {
    const own = inside.get(user) ?? 0
    const limit = own >= readersOfOne ? readersOfOne : readers
    if (own >= readersOfOne || (all >= readers && !admin)) {
      throw new StorageError('TooManyRequests', {
        message: `Too many log streams are open (limit ${limit}). Close one and retry.`,
        retryAfter: 10,
      })
    }
    all += 1
    inside.set(user, own + 1)
    return () => {
      all -= 1
      const left = inside.get(user)! - 1
      if (left > 0) inside.set(user, left)
      else inside.delete(user)
    }
  }
}

type Explain = NonNullable<ApiDeps['explain']>

/** Limits calls to `perSecond`, so that a flood of refusals costs no more than that. */
function rateLimited(explain: Explain, perSecond: number): (...of: Parameters<Explain>) => ReturnType<Explain> | null {
  let second = 0
  let asked = 0
  return (...of) => {
    const now = Math.floor(performance.now() / 1000)
    if (now !== second) [second, asked] = [now, 0]
    return ++asked > perSecond ? null : explain(...of)
  }
}
