/** Lists and usage never call the store. The collector, or a read of the bytes, settles auto-confirmed uploads. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLookSchedule } from '../../src/service/maintenance/collector.ts'
import { startFaultProxy, type FaultProxy } from '../fixtures/fault-proxy.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { as, call, upload, type Caller } from './caller.ts'
import { limit } from '../fixtures/time-limit.ts'

const credentials = { accessKeyId: 'BUCKETTESTTESTTESTT1', secretAccessKey: 'alice-secret-0123456789abcdef0123456789' }
let behind: RunningGateway
let counting: FaultProxy
let gateway: RunningGateway
let alice: Caller

beforeAll(async () => {
  behind = await startGateway({ keys: [{ ...credentials, owner: 'gateway' }], cors: { origins: ['*'] } })
  counting = await startFaultProxy()
  counting.target = behind.objectsUrl
  const client = { endpoint: behind.objectsUrl, region: 'us-east-1', forcePathStyle: true }
  const s3 = new S3Client({ ...client, credentials: { ...credentials } })
  await s3.send(new CreateBucketCommand({ Bucket: 'counted' }))
  s3.destroy()
})
afterAll(async () => {
  await counting?.close()
  await behind?.close()
})

/** The gateway asks the bucket by way of the counting proxy; clients reach it directly. */
const start = (delivery: 'direct' | 'proxied'): Promise<RunningGateway> =>
  startGateway({
    storage: {
      driver: 's3',
      delivery,
      bucket: 'counted',
      s3: {
        provider: 'other',
        endpoint: counting.url,
        publicEndpoint: behind.objectsUrl,
        region: 'us-east-1',
        forcePathStyle: true,
        ...credentials,
      },
    },
  })

describe.each(['direct', 'proxied'] as const)('with a bucket, %s', (delivery) => {
  beforeAll(async () => {
    gateway = await start(delivery)
  })
  afterAll(() => gateway?.close())
  beforeEach(async () => {
    alice = await as(gateway, `alice-${Math.random()}`)
  })

  test('five calls of every list and of usage send no request to the bucket', async () => {
    const grants = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        alice.post('/files/upload-url', { filename: `${i}.txt`, mimeType: 'text/plain', autoConfirm: true }),
      ),
    )
    const one = grants[0]!.json
    // The collector stands still: what is counted is caused by the lists.
    const autoConfirmable = vi.spyOn(gateway.gateway.catalog, 'autoConfirmable').mockResolvedValue([])
    try {
      await vi.waitFor(() => expect(counting.active.now).toBe(0))
      const before = counting.seen.length
      for (let i = 0; i < 5; i++)
        for (const path of ['/files', '/files?q=1', `/files/${one.id}`, '/files/usage', '/console/uploads'])
          expect((await alice.get(path)).status).toBe(200)
      expect(counting.seen.slice(before)).toEqual([])
    } finally {
      autoConfirmable.mockRestore()
    }
  })

  test('an auto-confirmed upload is listed soon after its PUT, without a request of its user', async () => {
    const { id } = await upload(alice, 'hello', { autoConfirm: true })
    await vi.waitFor(
      async () => {
        const { json } = await alice.get('/files')
        expect(json.files).toMatchObject([{ id, status: 'confirmed', size: 5 }])
      },
      { timeout: limit(20_000), interval: 200 },
    )
    expect((await alice.get('/files/usage')).json).toMatchObject({ bytes: 5, files: 1, reservedFiles: 0 })
  })

  test('a read right after the PUT settles that upload', async () => {
    const first = await upload(alice, 'one', { autoConfirm: true })
    expect((await alice.get(`/files/${first.id}/download-url`)).status).toBe(200)
    const second = await upload(alice, 'two', { autoConfirm: true })
    expect((await alice.get(`/files/${second.id}/content`)).status).toBe(302)
    expect((await alice.get('/files')).json.files.map(({ status }) => status)).toEqual(['confirmed', 'confirmed'])
  })

  test('many reads of a missing upload call the bucket only a few times', async () => {
    const { json } = await alice.post('/files/upload-url', {
      filename: 'a.txt',
      mimeType: 'text/plain',
      size: 3,
      visibility: 'public',
      autoConfirm: true,
    })
    const asked = (): number => counting.seen.filter(({ target }) => target.includes(json.key)).length
    const autoConfirmable = vi.spyOn(gateway.gateway.catalog, 'autoConfirmable').mockResolvedValue([])
    const before = asked()
    try {
      for (let i = 0; i < 30; i++) {
        expect((await call(`${gateway.apiUrl}/public/${json.key}`)).status).toBe(404)
        expect((await alice.get(`/files/${json.id}/content`)).status).toBe(409)
      }
      expect(asked() - before).toBeGreaterThan(0)
      expect(asked() - before).toBeLessThanOrEqual(20)
    } finally {
      autoConfirmable.mockRestore()
    }
  })
})

test('a missing upload is checked less and less often', () => {
  let time = 0
  const isDue = createLookSchedule(() => new Date(time))
  const looks: number[] = []
  for (; time <= 24 * 3600 * 1000; time += 2000) if (isDue('a')) looks.push(time / 1000)
  expect(looks.slice(0, 5)).toEqual([0, 4, 12, 28, 60])
  expect(looks.length).toBeLessThan(40)
  expect(isDue('b')).toBe(true)
})
