/** The requests of several processes collected in one of them, only while a reader is connected, and bounded. */
import { expect, it, onTestFinished, vi } from 'vitest'
import { parsePlace, placeText, readAfter, type Place } from '../../src/api/request-place.ts'
import { gatherRequests } from '../../src/cluster/gathered-requests.ts'
import { createRequestLog, type LoggedRequest, type RequestLog } from '../../src/http/request-log.ts'
import { alone, type Peers, type Question } from '../../src/drivers/peers.ts'
import { loggedRequest } from '../fixtures/logged-request.ts'

const every = 10
type Process = { log: RequestLog; answer: (known: object) => unknown }

/** Processes that ask each other; `hush` makes one silent. */
function start(count: number): {
  processes: Process[]
  hush(index: number, isSilent: boolean): void
  asked: () => number
} {
  const processes: Process[] = []
  const silent = new Set<number>()
  let asked = 0
  for (let index = 0; index < count; index++) {
    const one: Process = { log: createRequestLog(), answer: () => undefined }
    const peers: Peers = {
      ...alone,
      index,
      count,
      answer: (_, reply) => void (one.answer = (known) => structuredClone(reply(known as never))),
      async ask<About, Answer>(_: Question<About, Answer>, ...[known]: void extends About ? [] : [about: About]) {
        asked += 1
        const others = processes.filter((other) => other !== one)
        if (others.some((other) => silent.has(processes.indexOf(other)))) {
          await new Promise((next) => setTimeout(next, 30))
          throw new Error('a worker does not answer')
        }
        return others.map((other) => other.answer(known as object) as Answer)
      },
    }
    one.log = gatherRequests(createRequestLog(), peers, { every, patience: 15 })
    processes.push(one)
  }
  onTestFinished(() => {
    for (const { log } of processes) log.close()
  })
  return {
    processes,
    hush: (index, isSilent) => void (isSilent ? silent.add(index) : silent.delete(index)),
    asked: () => asked,
  }
}

const push = (log: RequestLog, requestId: string, o: Partial<LoggedRequest> = {}): void =>
  log.push(loggedRequest({ at: Date.now(), requestId, ...o }))

/** Reads as a stream does, from `place` on. */
function read(log: RequestLog, place: Place = new Map()) {
  const ids: string[] = []
  let missed = 0
  const more = (): void => {
    for (;;) {
      const next = readAfter(log.sources(), place, 7)
      missed += next.missed
      for (const { requestId, run, seq } of next.requests) {
        ids.push(requestId)
        place.set(run, seq)
      }
      if (next.requests.length < 7) return
    }
  }
  const leave = log.watch({ wake: more, end: () => {} })
  onTestFinished(() => void leave())
  return { ids, leave, more, missed: () => missed, place }
}

it('returns the requests of all processes in the order of their end', async () => {
  const { processes } = start(3)
  const ids = Array.from({ length: 30 }, (_, i) => `R${i}`)
  for (const [i, id] of ids.entries()) push(processes[i % 3]!.log, id, { at: 1000 + i, ms: 0.5 })
  const { log } = processes[1]!
  const leave = log.watch({ wake: () => {}, end: () => {} })
  await expect.poll(() => log.sources()).toHaveLength(3)
  const reader = read(log)
  leave()
  reader.more()
  expect(reader.ids).toEqual(ids)
  push(processes[2]!.log, 'live')
  await expect.poll(() => reader.ids.at(-1)).toBe('live')
})

it('asks no process without a reader, and returns nothing twice to a reader that reconnects', async () => {
  const { processes, asked } = start(2)
  const [first, second] = processes.map(({ log }) => log) as [RequestLog, RequestLog]
  push(second, 'a')
  await new Promise((next) => setTimeout(next, 5 * every))
  expect(asked()).toBe(0)
  for (const id of ['b', 'c', 'd']) {
    push(second, id)
    const reader = read(first)
    reader.leave()
  }
  const reader = read(first)
  await first.whenComplete()
  await expect.poll(() => (reader.more(), reader.ids)).toEqual(['a', 'b', 'c', 'd'])
})

it('continues in another process by position, and counts missed requests', async () => {
  const { processes } = start(2)
  const [first, second] = processes.map(({ log }) => log) as [RequestLog, RequestLog]
  push(first, 'a')
  push(second, 'b')
  const reader = read(first)
  await expect.poll(() => reader.ids.length).toBe(2)
  reader.leave()
  const place = placeText(reader.place)
  push(first, 'c')
  for (let i = 0; i < 1003; i++) push(second, `R${i}`)
  const again = read(second, parsePlace(place))
  await second.whenComplete()
  await expect.poll(() => (again.more(), again.ids)).toContain('c')
  expect([again.ids.length, again.ids.includes('R1002'), again.missed()]).toEqual([1001, true, 3])
})

it('shows the requests of this process while another does not respond, and the other’s afterwards', async () => {
  const { processes, hush } = start(2)
  const [first, second] = processes.map(({ log }) => log) as [RequestLog, RequestLog]
  hush(1, true)
  const reader = read(first)
  push(first, 'mine')
  push(second, 'theirs')
  await first.whenComplete()
  await expect.poll(() => reader.ids).toEqual(['mine'])
  hush(1, false)
  await expect.poll(() => reader.ids).toEqual(['mine', 'theirs'])
})

it('keeps fewer requests per process with more processes, and no headers beyond that', async () => {
  const { processes } = start(12)
  for (const { log } of processes) for (let i = 0; i < 200; i++) push(log, `R${i}`, { rawHeaders: ['host', 'x'] })
  const [{ log }] = processes as [Process]
  read(log)
  await expect.poll(() => log.sources()).toHaveLength(12)
  const kept = log.sources().map(({ since }) => since(0, 10_000).requests)
  expect(kept.map(({ length }) => length)).toEqual([200, ...Array.from({ length: 11 }, () => 100)])
  const withHeaders = kept.map((requests) => requests.filter(({ rawHeaders }) => rawHeaders !== null).length)
  expect(withHeaders).toEqual([100, ...Array.from({ length: 11 }, () => 10)])
})

it('a reader ends with the gateway, and no process is asked any more', async () => {
  const { processes, asked } = start(2)
  const { log } = processes[0]!
  const end = vi.fn<() => void>()
  log.watch({ wake: () => {}, end })
  log.close()
  expect(end).toHaveBeenCalledOnce()
  await log.whenComplete()
  const before = asked()
  await new Promise((next) => setTimeout(next, 5 * every))
  expect(asked()).toBe(before)
})

it.each(['', 'x', '0123abcd', '0123abcd-', '0123abcd-1.', '0123ABCD-1', '0123abcd-1.x', '0123abcd-9999999999999999'])(
  'takes %o for the beginning',
  (text) => expect(parsePlace(text)).toEqual(new Map()),
)
