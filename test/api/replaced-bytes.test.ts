/** The disk space of repeated and parallel writes to one upload URL, counted in the store's folder. */
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { placeHold } from '../../src/drivers/disk/holds.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { connect, rawHead } from '../fixtures/raw-http.ts'
import { mostStoredDuring, storedBytes } from '../fixtures/stored-bytes.ts'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'
import { as, put, textFile, type Json } from './caller.ts'
import { limit } from '../fixtures/time-limit.ts'

const MiB = 1024 * 1024
const quota = { quotas: { userBytes: '5MiB' } }
/** The object, and two bodies that are in flight or were replaced, at each worker: they count together a moment later. */
const mostWith = (workers: number): number => (1 + 2 * workers) * 5 * MiB
const body = (fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(5 * MiB).fill(fill)

let running: RunningGateway | RunningCommand | undefined
afterEach(async () => {
  await running?.close()
  running = undefined
})

const storageOf = ({ dir }: { dir: string }): string => join(dir, 'storage')

async function issue(gateway: RunningGateway | RunningCommand): Promise<Json> {
  return (await (await as(gateway, 'alice')).post('/files/upload-url', textFile)).json
}

async function putManyTimes(issued: Json): Promise<number[]> {
  const statuses: number[] = []
  for (let i = 0; i < 12; i++) statuses.push((await put(issued, body(97 + i))).status)
  for (let i = 0; i < 4; i++) {
    const answers = await Promise.all(Array.from({ length: 6 }, (_, j) => put(issued, body(97 + j))))
    statuses.push(...answers.map(({ status }) => status))
  }
  return statuses
}

describe.each([
  ['one process', 1, () => startGateway(quota)],
  ['two workers', 2, () => startCommand({ ...quota, server: { workers: 2 } })],
] as const)('%s', (_, workers, start) => {
  test('repeated and parallel PUTs to one unsized URL store at most one object and two more bodies per worker', async () => {
    const gateway = (running = await start())
    const issued = await issue(gateway)
    let statuses: number[] = []
    const stored = await mostStoredDuring(storageOf(gateway), async () => {
      statuses = await putManyTimes(issued)
    })
    expect(statuses.slice(0, 12)).toEqual(Array.from({ length: 12 }, () => 200))
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
    expect(statuses.slice(12)).toContain(200)
    expect(stored).toBeLessThanOrEqual(mostWith(workers))
    expect(await storedBytes(storageOf(gateway))).toBe(5 * MiB)
  })
})

test('during a backup, replaced bytes count as running writes, and are deleted afterwards', async () => {
  const gateway = (running = await startGateway(quota))
  const issued = await issue(gateway)
  const hold = await placeHold(storageOf(gateway))
  try {
    const statuses: number[] = []
    for (let i = 0; i < 6; i++) statuses.push((await put(issued, body(97 + i))).status)
    expect(statuses).toEqual([200, 200, 200, 503, 503, 503])
    expect(await storedBytes(storageOf(gateway))).toBe(mostWith(1))
  } finally {
    await hold.release()
  }
  await expect.poll(() => storedBytes(storageOf(gateway)), { timeout: limit(10_000) }).toBe(5 * MiB)
  await expect.poll(async () => (await put(issued, 'again')).status).toBe(200)
  expect(await storedBytes(storageOf(gateway))).toBe(5)
})

test('bytes that are replaced during a read are read to the end, and then deleted', async () => {
  const gateway = (running = await startGateway(quota))
  const issued = await issue(gateway)
  expect((await put(issued, body(97))).status).toBe(200)
  const { driver, config } = gateway.gateway
  const object = await driver.getObject({ bucket: config.storage.bucket, key: issued.key })
  expect((await put(issued, 'short')).status).toBe(200)
  expect(await storedBytes(storageOf(gateway))).toBe(5 * MiB + 5)
  let read = 0
  for await (const chunk of object.stream()) read += (chunk as Buffer).filter((byte) => byte === 97).length
  expect(read).toBe(5 * MiB)
  await expect.poll(() => storedBytes(storageOf(gateway)), { timeout: limit(10_000) }).toBe(5)
})

test('a repeated part replaces the bytes of the first one at once', async () => {
  const gateway = (running = await startGateway(quota))
  const alice = await as(gateway, 'alice')
  const begun = (await alice.post('/files/multipart', { ...textFile, size: 5 * MiB })).json
  const { json } = await alice.post(`/files/multipart/${begun.id}/parts`, { partNumbers: [1] })
  const [part] = (json as unknown as { parts: { url: string; headers?: Record<string, string> }[] }).parts
  for (let i = 0; i < 4; i++) {
    const sent = await put({ uploadUrl: part!.url, headers: part!.headers ?? {} }, body(97 + i))
    expect(sent.status).toBe(200)
    expect(await storedBytes(storageOf(gateway))).toBe(5 * MiB)
  }
})

test('an aborted write leaves no bytes, and frees its place', async () => {
  const gateway = (running = await startGateway(quota))
  const issued = await issue(gateway)
  const { origin, pathname, search } = new URL(issued.uploadUrl)
  for (let i = 0; i < 3; i++) {
    const connection = await connect(issued.uploadUrl)
    await connection.send(
      rawHead(origin, 'PUT', pathname + search, { ...issued.headers, 'content-length': `${5 * MiB}` }),
    )
    await connection.send('x'.repeat(MiB))
    connection.close()
    const ref = { bucket: gateway.gateway.config.storage.bucket, key: issued.key }
    await expect.poll(() => gateway.gateway.driver.isBeingWritten(ref)).toBe(false)
  }
  await expect.poll(() => storedBytes(storageOf(gateway))).toBe(0)
  expect((await put(issued, 'whole')).status).toBe(200)
})
