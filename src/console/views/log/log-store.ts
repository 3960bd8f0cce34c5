/** The log of this page. It reads while the view is shown and continues from the same point when it is shown again. */
import { anySignal } from '../../../client/signals.ts'
import { ApiError, serverUrl } from '../../api.ts'
import { session, signInNeeded } from '../../session.ts'
import { Store } from '../../store.ts'
import type { LogEntry } from './entry.ts'
import { readEvents, type ServerEvent } from './read-events.ts'

const mostEntries = 2000
const mostHeld = 2000
const mostSeen = 10_000
/** Milliseconds without data before the connection counts as lost. The server sends a keep-alive every 15 s. */
const silence = 40_000
const longestWait = 15_000

type LogState = {
  /** Newest first. */
  entries: readonly LogEntry[]
  /** Received while paused, newest first. */
  held: readonly LogEntry[]
  paused: boolean
  connection: 'connecting' | 'live' | 'waiting'
  /** Why the connection failed. */
  error: ApiError | null
  /** Requests that occurred while the log was not being read. */
  missed: number
}

const empty = { entries: [], held: [], paused: false, connection: 'connecting', error: null, missed: 0 } as const

class Log extends Store<LogState> {
  #lastId = ''
  /** Another server process sends its whole log again, possibly several times. Ids already seen are skipped. */
  readonly #seen = new Set<string>()
  #readers = 0
  #stop = new AbortController()
  #token: string | null = null

  constructor() {
    super({ ...empty })
    // Do not show one user's requests to the next.
    session.subscribe(() => {
      const { token } = session.get()
      if (token === this.#token) return
      this.#token = token
      this.#lastId = ''
      this.#seen.clear()
      this.set({ ...empty })
      if (this.#readers > 0) this.#begin()
    })
  }

  /** Reads until the returned function is called. */
  read = (): (() => void) => {
    this.#readers += 1
    if (this.#readers === 1) this.#begin()
    return () => {
      this.#readers -= 1
      if (this.#readers === 0) this.#stop.abort()
    }
  }

  retry = (): void => this.#begin()

  pause = (paused: boolean): void => {
    if (paused) return this.set({ paused })
    const { held, entries } = this.get()
    this.set({ paused, held: [], entries: [...held, ...entries].slice(0, mostEntries) })
  }

  clear = (): void => this.set({ entries: [], held: [], missed: 0 })

  /** Adds entries for requests that the server never saw. */
  add = (entries: readonly LogEntry[]): void => {
    if (entries.length === 0) return
    const newest = entries.toReversed()
    if (this.get().paused) this.set({ held: [...newest, ...this.get().held].slice(0, mostHeld) })
    else this.set({ entries: [...newest, ...this.get().entries].slice(0, mostEntries) })
  }

  #begin(): void {
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#token = session.get().token
    void this.#keepReading(this.#stop.signal)
  }

  async #keepReading(stopped: AbortSignal): Promise<void> {
    for (let wait = 500; !stopped.aborted; wait = Math.min(wait * 2, longestWait)) {
      this.set({ connection: 'connecting' })
      try {
        await this.#readOnce(stopped)
        wait = 500
      } catch (error) {
        if (stopped.aborted) return
        const refused = error instanceof ApiError ? error : null
        if (refused?.status === 401) return signInNeeded(refused.message)
        this.set({ error: refused ?? noAnswer(error) })
      }
      if (stopped.aborted) return
      this.set({ connection: 'waiting' })
      await new Promise((next) => setTimeout(next, wait))
    }
  }

  async #readOnce(stopped: AbortSignal): Promise<void> {
    const silent = new AbortController()
    let timer = setTimeout(() => silent.abort(), silence)
    try {
      const headers = new Headers({ accept: 'text/event-stream' })
      if (this.#token) headers.set('authorization', `Bearer ${this.#token}`)
      if (this.#lastId) headers.set('last-event-id', this.#lastId)
      const signal = anySignal(stopped, silent.signal)
      const response = await fetch(`${serverUrl()}/console/log`, { headers, signal, cache: 'no-store' })
      if (!response.ok || !response.body) throw await refusalOf(response)
      for await (const events of readEvents(response.body)) {
        clearTimeout(timer)
        timer = setTimeout(() => silent.abort(), silence)
        if (stopped.aborted) return
        this.#take(events)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  #take(events: readonly ServerEvent[]): void {
    if (this.get().connection !== 'live') this.set({ connection: 'live', error: null })
    const entries: LogEntry[] = []
    for (const { name, id, data } of events) {
      if (id !== null) this.#lastId = id
      if (name === 'request' && this.#isNew(data as LogEntry)) entries.push(data as LogEntry)
      if (name === 'missed') this.set({ missed: this.get().missed + (data as { count: number }).count })
    }
    this.add(entries)
  }

  #isNew({ id }: LogEntry): boolean {
    if (this.#seen.has(id)) return false
    this.#seen.add(id)
    for (const oldest of this.#seen) {
      if (this.#seen.size <= mostSeen) break
      this.#seen.delete(oldest)
    }
    return true
  }
}

async function refusalOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; code?: string; requestId?: string }
  const words = problem.detail ?? `The server responded with ${response.status}.`
  return new ApiError(response.status, problem.code ?? '', words, problem.requestId ?? null)
}

const noAnswer = (cause: unknown): ApiError =>
  new ApiError(0, 'Network', `${location.host} did not respond. Check that the server is running.`, null, cause)

export const log = new Log()
