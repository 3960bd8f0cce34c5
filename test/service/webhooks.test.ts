/** Webhooks over HTTP, with a whole gateway and a receiver. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { as, put, store, textFile, upload } from '../api/caller.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { secret, startReceiver, type Receiver } from './receiver.ts'

let receiver: Receiver
let dir: string
let gateway: RunningGateway

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'postern-webhooks-'))
  receiver = await startReceiver()
  gateway = await start()
})
afterEach(async () => {
  await gateway.close()
  await receiver.close()
  await rm(dir, { recursive: true, force: true })
})

const start = (fields: object = {}) =>
  startGateway({ webhooks: [{ url: receiver.url, secret, allowPrivate: true, ...fields }] }, { dir })

test('reports the events of a file, signed, with the record as it was then', async () => {
  const alice = await as(gateway, 'alice')
  const file = await store(alice, 'hello', { metadata: { album: '2026' } })
  const [first] = await receiver.has(1)
  expect(first?.message.type).toBe('file.confirmed')
  expect(Math.abs(Date.parse(first!.message.timestamp) - Date.now())).toBeLessThan(10_000)
  const { url: _, ...record } = file
  expect(first?.message.data).toEqual({ ...record, owner: 'alice' })
  expect(first?.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Postern-Webhooks' })

  await alice.delete(`/files/${file.id}`)
  const [, second] = await receiver.has(2)
  expect(second?.message).toMatchObject({ type: 'file.deleted', data: { id: file.id, status: 'deleted' } })
  expect(second?.id).not.toBe(first?.id)

  const refused = await upload(alice, '<!DOCTYPE html><script>', { filename: 'x.png', mimeType: 'image/png' })
  expect((await alice.post('/files/confirm', { id: refused.id })).status).toBe(422)
  const [, , third] = await receiver.has(3)
  expect(third?.message).toMatchObject({ type: 'upload.expired', data: { id: refused.id, status: 'expired' } })
  expect(receiver.forged).toEqual([])
})

test('reports an auto-confirmed file once', async () => {
  const alice = await as(gateway, 'alice')
  const { json } = await alice.post('/files/upload-url', { ...textFile, autoConfirm: true })
  await put(json, 'hello')
  await alice.get('/files')
  await alice.post('/files/confirm', { id: json.id })
  await alice.delete(`/files/${json.id}`)
  const told = (await receiver.has(2)).map(({ message }) => [message.type, message.data['id']])
  expect(told.toSorted()).toEqual([
    ['file.confirmed', json.id],
    ['file.deleted', json.id],
  ])
})

test('sends only subscribed events', async () => {
  await gateway.close()
  gateway = await start({ events: ['file.deleted'] })
  const alice = await as(gateway, 'alice')
  const { id } = await store(alice, 'hello')
  await alice.delete(`/files/${id}`)
  await receiver.has(1)
  expect(receiver.received.map(({ message }) => message.type)).toEqual(['file.deleted'])
  const noted = await gateway.gateway.catalog.listDeliveries({ limit: 10 })
  expect(noted.map(({ type }) => type)).toEqual(['file.deleted'])
})

test('the next process delivers committed events that were not delivered', async () => {
  // A receiver that never answers: the attempt is under way, and nothing is recorded of it.
  receiver.answer = () => {}
  const { id } = await store(await as(gateway, 'alice'), 'hello')
  const [first] = await receiver.has(1)
  await gateway.close()
  receiver.answer = (res) => void res.writeHead(200).end('ok')
  gateway = await start()
  const [, again] = await receiver.has(2)
  expect(again).toMatchObject({ id: first!.id, body: first!.body, message: { data: { id } } })
  await vi.waitUntil(async () => {
    const [delivery] = await gateway.gateway.catalog.listDeliveries({ limit: 1 })
    return delivery?.state === 'delivered' && delivery.tries === 1
  })
})

test('a slow or missing receiver delays neither uploads nor other receivers', async () => {
  const slow = await startReceiver()
  slow.answer = () => {}
  await gateway.close()
  const hook = { secret, allowPrivate: true }
  const webhooks = [
    { ...hook, url: slow.url },
    { ...hook, url: 'http://127.0.0.1:9/nobody' },
    { ...hook, url: receiver.url },
  ]
  gateway = await startGateway({ webhooks }, { dir })
  const alice = await as(gateway, 'alice')
  await Promise.all(Array.from({ length: 12 }, () => store(alice, 'hello')))
  await receiver.has(12)
  await slow.has(1)
  expect(slow.received.length).toBeLessThan(12)
  await gateway.close()
  await slow.close()
})
