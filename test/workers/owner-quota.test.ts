/** The quota of an owner of access keys applies to all workers together. */
import { DeleteObjectCommand, CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readOwnerUsage } from '../../src/drivers/disk/quota/read-usage.ts'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'
import { join } from 'node:path'

const credentials = { accessKeyId: 'ALICETESTTESTTESTTE1', secretAccessKey: 'alice-secret-0123456789abcdef0123456789' }
const Bucket = 'alice-1'
const limit = 1_000_000
let gateway: RunningCommand
const clients: S3Client[] = []

beforeAll(async () => {
  gateway = await startCommand({
    server: { workers: 3 },
    quotas: { ownerBytes: limit },
    keys: [{ ...credentials, owner: 'alice' }],
  })
  // Separate connections, which the system distributes to the workers.
  for (let i = 0; i < 8; i++) {
    const endpoint = gateway.objectsUrl
    clients.push(
      new S3Client({
        endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { ...credentials },
        maxAttempts: 1,
      }),
    )
  }
  await clients[0]!.send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  for (const client of clients) client.destroy()
  await gateway?.close()
})

const put = (i: number, Key: string, size: number): Promise<string> =>
  clients[i % clients.length]!.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(size) })).then(
    () => 'ok',
    (error: Error) => error.name,
  )
const stored = () =>
  readOwnerUsage(join(gateway.dir, 'storage'))?.find(({ owner }) => owner === 'alice') ?? { bytes: 0, objects: 0 }

it('is not exceeded by parallel writes', async () => {
  const codes = await Promise.all(Array.from({ length: 80 }, (_, i) => put(i, `key-${i}`, 49_999)))
  expect(new Set(codes)).toEqual(new Set(['ok', 'QuotaExceeded']))
  const { bytes, objects } = stored()
  expect(bytes).toBeLessThanOrEqual(limit)
  expect(objects).toBe(codes.filter((code) => code === 'ok').length)
  for (let i = 0; i < 80; i++) await clients[0]!.send(new DeleteObjectCommand({ Bucket, Key: `key-${i}` }))
})

it('does not refuse a write because of outdated counts of another worker', async () => {
  for (let i = 0; i < 40; i++) expect(await put(i, `next-${i}`, limit / 40)).toBe('ok')
  for (let i = 0; i < 40; i++) expect(await put(i, 'next-0', limit / 40)).toBe('ok')
  expect(stored()).toMatchObject({ bytes: limit, objects: 40 })
  expect(await put(1, 'more', 1)).toBe('QuotaExceeded')
})
