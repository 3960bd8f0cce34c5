/**
 * Two instances, each with two workers, with one PostgreSQL, one Redis and one bucket, under mixed load. One instance
 * is killed and started again, the database is restarted, then the other instance is stopped and started.
 * TEST_CLUSTER_MINUTES sets the duration. The bucket is that of S3_TEST_ENDPOINT, or else of our own endpoint.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { S3 } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Overrides } from '../fixtures/gateway.ts'
import { schemaOf, startPostgres, type Postgres } from '../fixtures/postgres.ts'
import { startRedis, type RedisServer } from '../fixtures/redis.ts'
import { createTestBucket } from '../fixtures/s3-store.ts'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'
import { User, type Balancer, type Counts } from './mixed-load.ts'

const seconds = process.env['TEST_CLUSTER_MINUTES'] ? Number(process.env['TEST_CLUSTER_MINUTES']) * 60 : 20

let database: Postgres
let redis: RedisServer
let bucket: { settings: Overrides; remove(): Promise<void> }
let place: string
beforeAll(async () => {
  ;[database, redis, bucket] = await Promise.all([startPostgres(), startRedis(), openBucket()])
  place = await database.place()
}, 120_000)
const instances: RunningCommand[] = []
afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.close()))
  await bucket?.remove()
  await redis?.close()
  await database?.close()
}, 120_000)

async function openBucket(): Promise<typeof bucket> {
  if (process.env['S3_TEST_ENDPOINT']) {
    const store = await createTestBucket()
    const { bucket: name, endpoint, accessKeyId, secretAccessKey } = store
    const s3 = { provider: process.env['S3_TEST_PROVIDER'] ?? 'ceph', endpoint, accessKeyId, secretAccessKey }
    return {
      settings: { driver: 's3', bucket: name, s3: { ...s3, region: 'us-east-1' } },
      remove: () => store.remove(),
    }
  }
  const credentials = { accessKeyId: 'AKIAOWNER', secretAccessKey: 'a secret of an owner of one bucket, for tests' }
  const store = await startCommand({ keys: [{ ...credentials, owner: 'gateways' }], log: { level: 'warn' } })
  const s3 = new S3({
    endpoint: store.objectsUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { ...credentials },
  })
  await s3.createBucket({ Bucket: 'shared' })
  s3.destroy()
  const own = { provider: 'aws', endpoint: store.objectsUrl, region: 'us-east-1', forcePathStyle: true, ...credentials }
  return { settings: { driver: 's3', bucket: 'shared', s3: own }, remove: () => store.close() }
}

async function startInstance(): Promise<RunningCommand> {
  const instance = await startCommand({
    server: { workers: 2, shutdownTimeout: '10s' },
    storage: bucket.settings,
    database: { url: place },
    limits: { store: redis.url },
    uploads: { confirmWithin: '1h' },
    log: { level: 'warn' },
  })
  instances.push(instance)
  return instance
}

it(
  `loses no file and answers no error for ${seconds} s while processes and the database restart`,
  { timeout: seconds * 1000 + 240_000 },
  async () => {
    const counts: Counts = { stored: 0, read: 0, listed: 0, deleted: 0, abandoned: 0, retries: {} }
    const [first, second] = await Promise.all([startInstance(), startInstance()])
    const balancer: Balancer = { urls: [first.apiUrl, second.apiUrl] }
    const users = Array.from({ length: 8 }, (_, i) => new User(`user-${i}`, balancer, counts))
    const until = new AbortController()
    const load = Promise.all(users.map((user) => user.run(until.signal)))

    await sleep(seconds * 200)
    process.kill(second.child.pid!, 'SIGKILL')
    await sleep(Math.min(seconds * 100, 10_000))
    const third = await startInstance()
    balancer.urls = [first.apiUrl, third.apiUrl]
    await sleep(seconds * 200)
    await database.stop('fast')
    await database.start()
    await sleep(seconds * 200)
    await first.close()
    const fourth = await startInstance()
    balancer.urls = [third.apiUrl, fourth.apiUrl]
    await sleep(seconds * 200)
    until.abort()
    await load

    expect(users.flatMap(({ errors }) => errors)).toEqual([])
    for (const user of users) {
      const listed = await user.list()
      const confirmed = listed.filter(({ status }) => status === 'confirmed')
      expect(new Set(confirmed.map(({ id }) => id))).toEqual(new Set(user.files.keys()))
      for (const id of user.files.keys()) await user.check(id)
      const bytes = [...user.files.values()].reduce((sum, { size }) => sum + size, 0)
      expect(await user.usage()).toMatchObject({
        bytes,
        files: confirmed.length,
        reservedFiles: listed.length - confirmed.length,
      })
    }
    const schema = schemaOf(place)
    const wrong = await database.query(
      `select u.*, f.*, g.* from ${schema}.usage u
         cross join lateral (select coalesce(sum(size), 0) as real_bytes, count(*) as real_files from ${schema}.files
           where owner = u.owner and status = 'confirmed') f
         cross join lateral (select coalesce(sum(reserved_bytes), 0) as real_reserved, count(*) as pending
           from ${schema}.uploads where grant_owner = u.owner and settled = 0) g
       where u.bytes <> real_bytes or u.files <> real_files
         or u.reserved_bytes <> real_reserved or u.reserved_files <> pending`,
    )
    expect(wrong).toEqual([])
    expect(Math.min(counts.stored, counts.read, counts.listed, counts.deleted, counts.abandoned)).toBeGreaterThan(0)
    console.log(JSON.stringify({ seconds, ...counts }))
  },
)
