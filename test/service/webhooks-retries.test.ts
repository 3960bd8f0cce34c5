/** Retries of webhooks, with a clock that the test sets. */
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Catalog, Delivery } from '../../src/catalog/catalog.ts'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { backoff, mostTries } from '../../src/webhooks/backoff.ts'
import { createDispatcher, type Dispatcher } from '../../src/webhooks/dispatcher.ts'
import { facts, newUpload } from '../conformance/catalog/fixtures.ts'
import { secret, startReceiver, type Receiver } from './receiver.ts'
import { limit } from '../fixtures/time-limit.ts'

let receiver: Receiver
let catalog: Catalog
let dispatcher: Dispatcher
let ahead: number
const now = () => new Date(Date.now() + ahead * 1000)
const events = ['file.confirmed', 'file.deleted', 'upload.expired'] as const

beforeEach(async () => {
  ahead = 0
  receiver = await startReceiver()
  const hook = { url: receiver.url, events: [...events], secret, allowPrivate: true }
  catalog = await createCatalog({ url: 'sqlite::memory:', subscribers: [hook] })
  await catalog.migrate()
  dispatcher = createDispatcher({ catalog, now, log: pino({ level: 'silent' }) }, [hook], { interval: 0.01 })
  dispatcher.start()
})
afterEach(async () => {
  await dispatcher.stop()
  await catalog.close()
  await receiver.close()
})

async function happen(): Promise<void> {
  const upload = await catalog.createUpload(newUpload())
  await catalog.confirmUpload(upload.file.id, facts(upload, { now: now() }))
}
const deliveries = () => catalog.listDeliveries({ limit: 100 })
/** The one delivery, once it is as the test waits for. */
async function once(holds: (delivery: Delivery) => boolean): Promise<Delivery> {
  let found: Delivery | undefined
  await vi.waitUntil(
    async () => {
      ;[found] = await deliveries()
      return found !== undefined && holds(found)
    },
    { timeout: limit(10_000), interval: 10 },
  )
  return found!
}

describe('webhooks', () => {
  it('are retried after an error, with the same id and a new signature', async () => {
    receiver.answer = (res, count) => void res.writeHead(count === 1 ? 500 : 200).end()
    await happen()
    const { nextAt } = await once(({ tries }) => tries === 1)
    const wait = (nextAt!.getTime() - now().getTime()) / 1000
    expect(wait).toBeGreaterThan(2)
    expect(wait).toBeLessThanOrEqual(6)
    ahead += 7
    const delivered = await once(({ state }) => state === 'delivered')
    expect(delivered.attempts.map(({ status, error }) => [status, error])).toEqual([
      [500, 'answered 500'],
      [200, null],
    ])
    const [first, again] = receiver.received
    expect([again?.id, again?.body]).toEqual([first?.id, first?.body])
    expect(Number(again?.headers['webhook-timestamp'])).toBeGreaterThan(Number(first?.headers['webhook-timestamp']))
    expect(again?.headers['webhook-signature']).not.toBe(first?.headers['webhook-signature'])
  })

  it('fail after the last attempt, and can be replayed', async () => {
    receiver.answer = (res) => void res.writeHead(503).end()
    await happen()
    for (let tries = 1; tries < mostTries; tries++) {
      const { nextAt } = await once((delivery) => delivery.tries === tries)
      ahead = (nextAt!.getTime() - Date.now()) / 1000 + 1
    }
    const failed = await once(({ state }) => state === 'failed')
    expect([failed.tries, failed.nextAt, failed.attempts.length]).toEqual([mostTries, null, mostTries])
    const days = (failed.attempts.at(-1)!.at.getTime() - failed.at.getTime()) / 86_400_000
    expect(days).toBeGreaterThan(1.5)
    receiver.answer = (res) => void res.writeHead(200).end()
    ahead = 0
    expect(await catalog.replayEvent(failed.eventId, now())).toBe(1)
    expect(await once(({ state }) => state === 'delivered')).toMatchObject({ tries: 1 })
  })

  it('are disabled by 410 until they are enabled again', async () => {
    receiver.answer = (res) => void res.writeHead(410).end()
    await happen()
    expect(await once(({ state }) => state === 'failed')).toMatchObject({ tries: 1 })
    await vi.waitUntil(async () => (await catalog.switchedOff()).length === 1)
    receiver.answer = (res) => void res.writeHead(200).end()
    await happen()
    ahead += 1
    expect(await catalog.dueDeliveries(receiver.url, { now: now(), limit: 9 })).toEqual([])
    await catalog.switchOn(receiver.url)
    await receiver.has(2)
    await vi.waitUntil(async () => (await deliveries()).some(({ state }) => state === 'delivered'))
  })

  it('treat a redirect as a failure, and do not follow it', async () => {
    const elsewhere = await startReceiver()
    receiver.answer = (res) => void res.writeHead(307, { location: elsewhere.url }).end()
    await happen()
    const { attempts } = await once(({ tries }) => tries === 1)
    expect(attempts).toMatchObject([{ status: 307, error: 'answered 307, and redirects are not followed' }])
    expect(elsewhere.connections).toBe(0)
    await elsewhere.close()
  })

  it('do not read an endless response', async () => {
    let closed = false
    receiver.answer = (res) => {
      res.writeHead(200)
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(65_536)));
      }
      res.on('drain', more)
      res.on('close', () => (closed = true))
      more()
    }
    await happen()
    await once(({ state }) => state === 'delivered')
    // Long before the time is over that an answer may take.
    await vi.waitUntil(() => closed, { timeout: limit(5000) })
    expect(receiver.received).toHaveLength(1)
  })

  it('are sent by one of several dispatchers of a catalog', async () => {
    const hook = { url: receiver.url, events: [...events], secret, allowPrivate: true }
    const others = [1, 2, 3].map(() =>
      createDispatcher({ catalog, now, log: pino({ level: 'silent' }) }, [hook], { interval: 0.01 }),
    )
    for (const other of others) other.start()
    for (let i = 0; i < 20; i++) await happen()
    await vi.waitUntil(async () => (await deliveries()).every(({ state }) => state === 'delivered'))
    await Promise.all(others.map((other) => other.stop()))
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(20)
    expect(receiver.received).toHaveLength(20)
  })
})

it('waits increasingly long, at most a day, with jitter', () => {
  const waits = Array.from({ length: mostTries }, (_, i) => backoff(i + 1, () => 0.5))
  expect(waits.map(Math.round)).toEqual([5, 20, 80, 320, 1280, 5120, 20_480, 81_920, 86_400, 86_400])
  expect([backoff(1, () => 0), backoff(1, () => 1)].map((wait) => wait.toFixed(3))).toEqual(['4.000', '6.000'])
})
