/** Concurrent writes to one upload URL are limited, and aborted with their upload. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startBucketBehind, type BucketBehind } from '../fixtures/bucket-behind.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { connect, rawHead, type RawConnection } from '../fixtures/raw-http.ts'
import { as, put, stateOf, textFile, type Caller } from './caller.ts'

let behind: BucketBehind
beforeAll(async () => {
  behind = await startBucketBehind()
})
afterAll(() => behind.close())

describe.each([
  ['disk', () => startGateway()],
  ['a bucket behind our own endpoint', () => behind.start('proxied')],
] as const)('%s', (_, start) => {
  let gateway: RunningGateway
  let alice: Caller
  beforeAll(async () => {
    gateway = await start()
    alice = await as(gateway, 'alice')
  })
  afterAll(() => gateway?.close())

  /** Sends the head and one byte of a longer body. */
  async function begin(url: string, headers: Record<string, string> = {}): Promise<RawConnection> {
    const { origin, pathname, search } = new URL(url)
    const connection = await connect(url)
    const head = rawHead(origin, 'PUT', pathname + search, { ...headers, 'content-length': '5' })
    await connection.send(`${head}h`)
    return connection
  }

  test('a third write to one URL is refused while two are running, and works after they have finished', async () => {
    const issued = (await alice.post('/files/upload-url', textFile)).json
    const other = (await alice.post('/files/upload-url', textFile)).json
    const started = vi.spyOn(gateway.gateway.driver, 'putObject')
    const first = await begin(issued.uploadUrl, issued.headers)
    const second = await begin(issued.uploadUrl, issued.headers)
    try {
      await expect.poll(() => started.mock.calls.length).toBe(2)
      const refused = await put(issued, 'third')
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
      expect(refused.text).toContain('<Code>SlowDown</Code>')
      expect((await put(other, 'other')).status).toBe(200)
      await first.send('ello')
      expect((await first.answer()).status).toBe(200)
      expect((await put(issued, 'third')).status).toBe(200)
    } finally {
      started.mockRestore()
      first.close()
      second.close()
    }
  })

  test('deleting an upload aborts its running write, and leaves nothing', async () => {
    const before = await stateOf(alice)
    const issued = (await alice.post('/files/upload-url', textFile)).json
    const running = await begin(issued.uploadUrl, issued.headers)
    try {
      const ref = { bucket: gateway.gateway.config.storage.bucket, key: issued.key }
      await expect.poll(() => gateway.gateway.driver.isBeingWritten(ref)).toBe(true)
      expect((await alice.delete(`/files/${issued.id}`)).status).toBe(204)
      expect((await running.answer()).status).toBe(403)
      await expect.poll(() => gateway.gateway.driver.isBeingWritten(ref)).toBe(false)
      await expect(gateway.gateway.driver.headObject(ref)).rejects.toMatchObject({ code: 'NotFound' })
      expect(await stateOf(alice)).toEqual(before)
    } finally {
      running.close()
    }
  })

  test('aborting a multipart upload aborts its running parts, each of which can run twice', async () => {
    const begun = (await alice.post('/files/multipart', { ...textFile, size: 5 })).json
    const { json } = await alice.post(`/files/multipart/${begun.id}/parts`, { partNumbers: [1] })
    const [part] = (json as unknown as { parts: { url: string; headers?: Record<string, string> }[] }).parts
    const started = vi.spyOn(gateway.gateway.driver, 'uploadPart')
    const running = [await begin(part!.url, part!.headers), await begin(part!.url, part!.headers)]
    try {
      await expect.poll(() => started.mock.calls.length).toBe(2)
      const third = { uploadUrl: part!.url, headers: part!.headers ?? {} }
      expect((await put(third, 'third')).status).toBe(503)
      expect((await alice.delete(`/files/multipart/${begun.id}`)).status).toBe(204)
      for (const connection of running) expect((await connection.answer()).status).toBe(404)
    } finally {
      started.mockRestore()
      for (const connection of running) connection.close()
    }
  })
})
