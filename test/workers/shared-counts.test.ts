/** Counts shared by several processes. Each enforces limits with the last known counts of the others. */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Changed } from '../../src/cluster/messages.ts'
import { CountsOfAll, WorkerCounts } from '../../src/cluster/shared-counts.ts'
import { createConnectionLimit } from '../../src/http/connection-limit.ts'

type Worker = { counts: WorkerCounts; heard: Changed[] }
let primary: CountsOfAll<Worker>
let told: number
beforeEach(() => {
  vi.useFakeTimers()
  told = 0
  primary = new CountsOfAll((worker, changed) => {
    worker.heard.push(changed)
    worker.counts.receive(changed)
  })
})
afterEach(() => {
  vi.useRealTimers()
})

function startWorker(): Worker {
  const one: Worker = {
    heard: [],
    counts: new WorkerCounts((changed) => {
      told += 1
      primary.take(one, changed)
    }),
  }
  primary.join(one)
  return one
}
const settle = () => vi.advanceTimersByTimeAsync(100)

const from = (remoteAddress: string): Socket => Object.assign(new EventEmitter(), { remoteAddress }) as never

it("limits a client's connections over all workers, and frees them when they close or their worker dies", async () => {
  const workers = [startWorker(), startWorker(), startWorker()]
  const limits = workers.map(({ counts }) =>
    createConnectionLimit({ total: 100, perClient: 3, trustedProxies: [], counts: counts.named('connections') }),
  )
  const sockets = limits.map(() => from('203.0.113.7'))
  for (const [i, { admit }] of limits.entries()) {
    expect(admit(sockets[i]!)).toBe(true)
    await settle()
  }
  expect(limits.map(({ admit }) => admit(from('203.0.113.7')))).toEqual([false, false, false])
  expect(limits.map(({ admit }) => admit(from('203.0.113.8')))).toEqual([true, true, true])

  sockets[0]!.emit('close')
  await settle()
  expect(limits[2]!.admit(from('203.0.113.7'))).toBe(true)
  await settle()
  expect(limits[0]!.admit(from('203.0.113.7'))).toBe(false)

  primary.leave(workers[2]!)
  await settle()
  // The dead one had two of three.
  expect(limits[0]!.admit(from('203.0.113.7'))).toBe(true)
  expect(limits[0]!.admit(from('203.0.113.7'))).toBe(true)
  expect(limits[0]!.admit(from('203.0.113.7'))).toBe(false)
})

it('a later process gets the current counts, and counts of dead processes are dropped', async () => {
  const [first, second] = [startWorker(), startWorker()]
  const ofFirst = first.counts.named('a')
  ofFirst.add('x', 1)
  ofFirst.add('x', 1)
  second.counts.named('b').add('x', 1)
  await settle()
  const third = startWorker()
  expect([third.counts.named('a').get('x'), third.counts.named('b').get('x')]).toEqual([2, 1])
  expect([first, second].map(({ counts }) => counts.named('a').get('x'))).toEqual([2, 2])
  ofFirst.add('x', 1)
  primary.leave(first)
  await settle()
  expect([second, third].map(({ counts }) => counts.named('a').get('x'))).toEqual([0, 0])
})

it('a short connection costs no message', async () => {
  const [first, second] = [startWorker(), startWorker()]
  const counts = first.counts.named('a')
  for (let i = 0; i < 100; i++) {
    counts.add('x', 1)
    counts.add('x', -1)
  }
  await settle()
  expect(told).toBe(0)
  for (let i = 0; i < 100; i++) counts.add('y', 1)
  await settle()
  expect([told, first.heard, second.heard]).toEqual([1, [], [[['a y', 100]]]])
})
