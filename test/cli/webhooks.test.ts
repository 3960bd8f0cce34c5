import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { as, store } from '../api/caller.ts'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { startGateway } from '../fixtures/gateway.ts'
import { facts, newUpload } from '../conformance/catalog/fixtures.ts'
import { secret, startReceiver, type Receiver } from '../service/receiver.ts'
import { makeBench, type Bench } from './run-postern.ts'
import { limit } from '../fixtures/time-limit.ts'

// Each command is a separate process, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let bench: Bench
let receiver: Receiver
beforeEach(async () => {
  bench = makeBench()
  receiver = await startReceiver()
})
afterEach(async () => {
  await bench.remove()
  await receiver.close()
})

const url = (): string => `sqlite:${join(bench.path, 'catalog.sqlite')}`
const hooks = () => [{ url: `${receiver.url}?key=very-private`, secret, allowPrivate: true }]
const settings = (...more: string[]) => [
  '--set',
  `database.url=${url()}`,
  '--set',
  `webhooks=${JSON.stringify(hooks())}`,
  ...more,
]
const run = (...args: string[]) => bench.run(['webhooks', ...args, ...settings()])

it('lists undelivered webhooks, tests an endpoint, enables it and replays', async () => {
  receiver.answer = (res) => void res.writeHead(410).end()
  const gateway = await startGateway({ webhooks: hooks() }, { dir: bench.path })
  await store(await as(gateway, 'alice'), 'hello')
  await vi.waitUntil(async () => (await gateway.gateway.catalog.switchedOff()).length === 1, { timeout: limit(10_000) })
  const [{ eventId } = { eventId: '' }] = await gateway.gateway.catalog.listDeliveries({ limit: 1 })

  const listed = await run('list')
  expect(listed.stdout).toMatch(/\/hook\?… {2}disabled since .*, because it answered 410/)
  expect(listed.stdout).toContain(`${eventId}  file.confirmed  failed`)
  expect(listed.stdout).toContain('(attempt 1: answered 410)')
  expect(listed.stdout).not.toMatch(/very-private|whsec_/)

  const refused = await run('test')
  expect([refused.exitCode, refused.stdout]).toEqual([1, expect.stringContaining('✖')])
  receiver.answer = (res) => void res.writeHead(200).end()
  const tested = await run('test', '--json')
  expect([tested.exitCode, JSON.parse(tested.stdout)]).toMatchObject([
    0,
    { ok: true, results: [{ ok: true, status: 200, switchedOn: true }] },
  ])
  expect(receiver.received.at(-1)?.message).toMatchObject({ type: 'webhook.test', data: {} })

  const before = receiver.received.length
  expect((await run('replay', eventId)).exitCode).toBe(0)
  await receiver.has(before + 1)
  expect(receiver.received.at(-1)).toMatchObject({ id: eventId, message: { type: 'file.confirmed' } })
  expect(receiver.forged).toEqual([])

  const unknown = await run('replay', 'msg_unknown')
  expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('There is no message msg_unknown')])
  const other = await run('test', '--url', 'https://other.example/')
  expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining('is not a configured webhook')])
  await gateway.close()
})

it('delivers committed events although the server was killed during delivery', async () => {
  // The store and its catalog, which a server must find together.
  await (await startGateway({}, { dir: bench.path })).close()
  const catalog = await createCatalog({
    url: url(),
    subscribers: [{ url: hooks()[0]!.url, events: ['file.confirmed'] }],
  })
  await catalog.migrate()
  const upload = await catalog.createUpload(newUpload())
  await catalog.confirmUpload(upload.file.id, facts(upload, { now: new Date() }))
  await catalog.close()
  receiver.answer = () => {}
  const serve = ['serve', ...settings('--set', 'server.listen=127.0.0.1:0', '--set', 'objects.listen=127.0.0.1:0')]
  const killed = bench.start(serve)
  const [first] = await receiver.has(1, 60_000)
  killed.child.kill('SIGKILL')
  await killed.finished
  receiver.answer = (res) => void res.writeHead(200).end()
  bench.start(serve)
  // The turn of the one that was killed ends by itself.
  await vi.waitUntil(() => receiver.received.length === 2, { timeout: limit(60_000), interval: 50 })
  expect(receiver.received[1]).toMatchObject({ id: first!.id, message: { data: { id: upload.file.id } } })
})
