/** The background checks of /readyz, and the requests that are refused while it is not 200. */
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { paginateListObjectsV2, S3, type ListObjectsCommandOutput } from '@aws-sdk/client-s3'
import { pino } from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { teeLog } from '../fixtures/captured-log.ts'
import { blobFiles, tempFiles } from '../drivers/disk-fixture.ts'
import { startGateway, testSecrets, type RunningGateway } from '../fixtures/gateway.ts'
import { startOnOwnBucket } from '../fixtures/gateway-on-own-bucket.ts'
import { askForUploadUrls } from './ask-for-upload-urls.ts'
import { as, call, textFile, type Answer } from './caller.ts'
import { serveApi } from './serve-api.ts'
import { createStores } from '../../src/service/stores/stores.ts'
import { limit } from '../fixtures/time-limit.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function open(...args: Parameters<typeof startGateway>): Promise<RunningGateway> {
  const gateway = await startGateway(...args)
  closing.push(() => gateway.close())
  return gateway
}

async function openOnOwnBucket(o?: Parameters<typeof startOnOwnBucket>[0]) {
  const all = await startOnOwnBucket(o)
  closing.push(() => all.close())
  return all
}

/** Faults must show within 10 s; a busy machine is given more. */
const soon = { timeout: limit(30_000), interval: 100 }

const readiness = (gateway: RunningGateway, headers: Record<string, string> = {}): Promise<Answer> =>
  call(`${gateway.apiUrl}/readyz`, { headers })

const untilReadinessIs = (gateway: RunningGateway, status: number): Promise<Answer> =>
  vi.waitFor(async () => {
    const answer = await readiness(gateway)
    expect(answer.status).toBe(status)
    return answer
  }, soon)

describe('on the disk driver', () => {
  it('returns the time of the check, and its age', async () => {
    const gateway = await open()
    const { status, json, headers } = await readiness(gateway)
    expect(status).toBe(200)
    expect(json).toMatchObject({ status: 'ready', checkedAt: expect.any(String), ageSeconds: expect.any(Number) })
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('is 503 once objects/ is missing, with the reason on loopback and in the log, and issues no upload URLs', async () => {
    const lines: string[] = []
    const gateway = await open({}, { log: pino({ level: 'info' }, teeLog(lines)) })
    const alice = await as(gateway, 'alice')
    const { id } = (await alice.post('/files/upload-url', textFile)).json
    const multipart = (await alice.post('/files/multipart', { ...textFile, size: 12 })).json.id
    const objects = join(gateway.dir, 'storage/objects')
    await rename(objects, `${objects}.gone`)

    const { json, headers } = await untilReadinessIs(gateway, 503)
    expect(json.detail).toContain('No uploads are accepted now.')
    expect(json.detail).toContain('ENOENT')
    expect(json.detail).not.toContain('Request id')
    expect(json).toMatchObject({ code: 'Unavailable', details: { ageSeconds: expect.any(Number) } })
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(lines.filter((line) => line.includes('no upload URLs are issued') && line.includes('ENOENT'))).toHaveLength(
      1,
    )
    const before = (await alice.get('/files/usage')).json
    for (const answer of await askForUploadUrls(gateway, id, multipart)) {
      expect(answer).toMatchObject({ status: 503, json: { code: 'Unavailable' } })
      expect(answer.json.detail).toContain('ENOENT')
    }
    expect((await alice.get('/files/usage')).json).toEqual(before)
    expect((await alice.get('/files')).status).toBe(200)

    await rename(`${objects}.gone`, objects)
    await untilReadinessIs(gateway, 200)
    expect((await alice.post('/files/upload-url', textFile)).status).toBe(200)
    expect(lines.some((line) => line.includes('ready again'))).toBe(true)
  })

  it('is 507 while less than minFree is left', async () => {
    const gateway = await open({ storage: { disk: { minFree: '1000TiB' } } })
    expect(await readiness(gateway)).toMatchObject({ status: 507, json: { code: 'InsufficientStorage' } })
    const alice = await as(gateway, 'alice')
    const refused = await alice.post('/files/upload-url', textFile)
    expect(refused).toMatchObject({ status: 507, json: { code: 'InsufficientStorage' } })
    expect(refused.json.detail).toContain('too little free space')
  })

  it('leaves no blob, temporary file or object', async () => {
    const gateway = await open()
    const { driver } = gateway.gateway
    for (let i = 0; i < 5; i++) await driver.checkReady({ byWriting: true })
    expect(await blobFiles(join(gateway.dir, 'storage'))).toEqual([])
    expect(await tempFiles(join(gateway.dir, 'storage'))).toEqual([])
    expect((await driver.listObjects({ bucket: 'postern' })).objects).toEqual([])
    expect(await driver.sweep()).toEqual({ removed: 0 })
  })

  it.each([
    ['a request that a proxy passed on', {}, { 'x-forwarded-for': '203.0.113.7' }],
    ['a server that trusts proxies', { server: { trustedProxies: ['10.0.0.0/8'] } }, {}],
  ])('tells %s only that the store cannot be used', async (_, overrides, headers) => {
    const gateway = await open(overrides)
    await rm(join(gateway.dir, 'storage/objects'), { recursive: true })
    await untilReadinessIs(gateway, 503)
    const { json } = await readiness(gateway, headers)
    expect(json.detail).toBe('No uploads are accepted now. The store cannot be used now. Retry in 5 s.')
    await mkdir(join(gateway.dir, 'storage/objects'))
  })
})

it('tells clients of a public URL only that the store is unavailable', async () => {
  const gateway = await open()
  const checkReady = () => Promise.reject(new Error('/dev/x is full'))
  const driver = { ...gateway.gateway.driver, checkReady }
  const outside = await serveApi(gateway, {
    stores: createStores(driver),
    urls: { api: () => 'https://files.example.com' },
  })
  const inside = await serveApi(gateway, { stores: createStores(driver) })
  try {
    expect((await call(`${outside.url}/readyz`)).json.detail).not.toContain('/dev/x')
    expect((await call(`${inside.url}/readyz`)).json.detail).toContain('/dev/x is full')
  } finally {
    outside.close()
    inside.close()
  }
})

describe('on the s3 driver', () => {
  it('is ready once the bucket accepted a write, at one key below the prefix', async () => {
    const { gateway, store, bucket } = await openOnOwnBucket({ s3: { prefix: 'app/' } })
    expect((await readiness(gateway)).status).toBe(200)
    const { objects } = await store.gateway.driver.listObjects({ bucket })
    expect(objects.map(({ key }) => key)).toEqual(['app/postern-write-check'])
    await gateway.gateway.driver.checkReady({ byWriting: true })
    expect((await store.gateway.driver.listObjects({ bucket })).objects).toHaveLength(1)
  })

  it('leaves the key of the write check out of listings, on every page', async () => {
    const { gateway, store, bucket } = await openOnOwnBucket({ delivery: 'proxied', s3: { prefix: 'app/' } })
    expect((await readiness(gateway)).status).toBe(200)
    const Bucket = bucket
    const client = new S3({
      endpoint: gateway.objectsUrl,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { ...testSecrets.signing },
    })
    closing.push(async () => client.destroy())
    expect(await client.listObjectsV2({ Bucket })).toMatchObject({ KeyCount: 0, IsTruncated: false })
    // One sorts before the key of the check, one after it, and one only begins like it.
    const keys = ['a.txt', 'postern-write-check.txt', 'uploads/z.txt']
    for (const Key of keys) await client.putObject({ Bucket, Key, Body: Key })
    const inBucket = (await store.gateway.driver.listObjects({ bucket })).objects.map(({ key }) => key)
    expect(inBucket).toEqual([...keys, 'postern-write-check'].map((key) => `app/${key}`).toSorted())

    const first: string[] = []
    for (let Marker: string | undefined = ''; Marker !== undefined;) {
      const page: ListObjectsCommandOutput = await client.listObjects({ Bucket, MaxKeys: 1, Marker })
      const { Contents = [], IsTruncated } = page
      first.push(...Contents.map(({ Key }) => Key!))
      Marker = IsTruncated ? Contents.at(-1)!.Key : undefined
    }
    expect(first).toEqual(keys)
    const second: string[] = []
    for await (const { Contents = [] } of paginateListObjectsV2({ client, pageSize: 1 }, { Bucket })) {
      second.push(...Contents.map(({ Key }) => Key!))
    }
    expect(second).toEqual(keys)
    const { Versions = [] } = await client.listObjectVersions({ Bucket })
    expect(Versions.map(({ Key }) => Key)).toEqual(keys)
  })

  it('is 503 with wrong credentials, and says which setting to correct', async () => {
    const { gateway } = await openOnOwnBucket({ s3: { secretAccessKey: 'another secret than the right one' } })
    const { status, json } = await readiness(gateway)
    expect(status).toBe(503)
    expect(json.detail).toContain('refuses these credentials')
    expect(json.detail).not.toContain('another secret')
  })
})
