/** Findings of the security review about webhooks. See docs/security-review.md. Each test fails without its fix. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { maskValue } from '../../src/config/show-config.ts'
import { createDispatcher, type Dispatcher } from '../../src/webhooks/dispatcher.ts'
import { post } from '../../src/webhooks/post.ts'
import { facts, newUpload } from '../conformance/catalog/fixtures.ts'
import { secret, startReceiver, type Receiver } from '../service/receiver.ts'

/** A receiver that says these bytes to every request. */
async function startOddReceiver(answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
    onTestFinished(() => void socket.destroy())
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
}

const send = (url: string) =>
  post({ url, headers: {}, body: '{}', allowPrivate: true, timeout: 60_000, signal: new AbortController().signal })

async function startCatalog(...receivers: Receiver[]): Promise<Catalog> {
  const events = ['file.confirmed'] as const
  const catalog = await createCatalog({
    url: 'sqlite::memory:',
    subscribers: receivers.map(({ url }) => ({ url, events })),
  })
  await catalog.migrate()
  onTestFinished(() => catalog.close())
  return catalog
}

async function happen(catalog: Catalog, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const upload = await catalog.createUpload(newUpload())
    await catalog.confirmUpload(upload.file.id, facts(upload, { now: new Date() }))
  }
}

async function receiverOfTest(): Promise<Receiver> {
  const receiver = await startReceiver()
  onTestFinished(() => receiver.close())
  return receiver
}

/** Begins at once, and is stopped with the test. */
function dispatch(catalog: Catalog, { url }: Receiver): Dispatcher {
  const hook = { url, events: ['file.confirmed' as const], secret, allowPrivate: true }
  const deps = { catalog, now: () => new Date(), log: pino({ level: 'silent' }) }
  const dispatcher = createDispatcher(deps, [hook], { interval: 0.01 })
  dispatcher.start()
  onTestFinished(() => dispatcher.stop())
  return dispatcher
}

const deliveries = (catalog: Catalog) => catalog.listDeliveries({ limit: 100 })

it('an attempt fails if the receiver switches to another protocol', async () => {
  const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
  const url = await startOddReceiver((socket) => void socket.write(answer))
  expect(await send(url)).toEqual({ status: null, error: 'could not be reached (ECONNRESET)' })
})

describe('a dispatcher', () => {
  it('that lost its lease sends nothing more', async () => {
    const receiver = await receiverOfTest()
    const catalog = await startCatalog(receiver)
    let isHeldUp = true
    const waiting: (() => void)[] = []
    receiver.answer = (res) => {
      const end = (): void => void res.writeHead(204).end()
      if (isHeldUp) waiting.push(end)
      else end()
    }
    await happen(catalog, 20)
    const takeLease = vi.spyOn(catalog, 'takeLease')
    dispatch(catalog, receiver)
    await receiver.has(8)
    // From now on another instance has it.
    takeLease.mockResolvedValue(false)
    await vi.waitUntil(() => takeLease.mock.calls.length >= 2, { timeout: 10_000 })
    isHeldUp = false
    for (const end of waiting) end()
    await vi.waitUntil(async () => (await deliveries(catalog)).filter(({ tries }) => tries > 0).length === 8)
    const looks = vi.spyOn(catalog, 'dueDeliveries')
    await vi.waitUntil(() => looks.mock.calls.length > 3)
    expect(receiver.received).toHaveLength(8)
  })

  it('waits for all running attempts if one cannot be recorded, and never runs one twice concurrently', async () => {
    const receiver = await receiverOfTest()
    const catalog = await startCatalog(receiver)
    const open = new Map<string, number>()
    const most = new Map<string, number>()
    let isFirst = true
    receiver.answer = (res) => {
      const { id } = receiver.received.at(-1)!
      open.set(id, (open.get(id) ?? 0) + 1)
      most.set(id, Math.max(most.get(id) ?? 0, open.get(id)!))
      const isQuick = isFirst
      isFirst = false
      setTimeout(
        () => {
          open.set(id, open.get(id)! - 1)
          res.writeHead(204).end()
        },
        isQuick ? 0 : 400,
      )
    }
    await happen(catalog, 3)
    vi.spyOn(catalog, 'recordAttempt').mockRejectedValueOnce(new Error('the catalog is busy'))
    dispatch(catalog, receiver)
    await vi.waitUntil(async () => (await deliveries(catalog)).every(({ state }) => state === 'delivered'), 10_000)
    expect(Math.max(...most.values())).toBe(1)
  })
})

it('settings show neither the query nor the user part of a webhook URL', () => {
  const shown = JSON.stringify(
    maskValue('webhooks', [
      { url: 'https://app.example.com/hook?key=very-private&sig=very-private#very-private', secret },
      { url: 'https://very-private:p@very-private@app.example.com/hook', secret, events: ['file.deleted'] },
    ]),
  )
  expect(shown).not.toContain('very-private')
  expect(shown).not.toContain(secret)
  expect(shown).toContain('app.example.com/hook')
  expect(shown).toContain('file.deleted')
})
