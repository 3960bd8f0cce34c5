/**
 * Many clients work on a few keys and files at the same time, with the s3 driver, proxied delivery and two workers.
 * Meanwhile workers and the server are killed, and the network to the bucket misbehaves. What the clients saw must be
 * linearizable. POSTERN_FAULTS_ROUNDS sets the number of rounds of 15 s.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { createTestBucket } from '../fixtures/s3-store.ts'
import { startStallingProxy } from '../fixtures/stalling-proxy.ts'
import { Killable, killsOf, networkOf } from './histories/disturbances.ts'
import type { Endpoint } from './histories/object-client.ts'
import { playRounds, rounds } from './histories/rounds.ts'
import { seededRandom } from './seeded-random.ts'
import { createInstallation } from './installation.ts'

it(`is linearizable through ${rounds} rounds of faults`, { retry: 0, timeout: 7_200_000 }, async () => {
  const seed = inject('seed')
  const dir = await mkdtemp(join(tmpdir(), 'postern-histories-'))
  const store = await createTestBucket()
  const target = new URL(store.endpoint)
  const network = await startStallingProxy({ host: target.hostname, port: Number(target.port) })
  const { bucket, accessKeyId, secretAccessKey } = store
  const s3 = {
    provider: process.env['S3_TEST_PROVIDER'] ?? 'ceph',
    endpoint: `http://127.0.0.1:${network.port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    accessKeyId,
    secretAccessKey,
  }
  const settings = { server: { workers: 2 }, storage: { driver: 's3', delivery: 'proxied', bucket, s3 } }
  const installation = await createInstallation({ storage: join(dir, 'storage'), outside: dir, settings })
  const server = new Killable(installation)
  try {
    await server.ready
    // Through the endpoint only the gateway's own key may use the bucket.
    const secrets = JSON.parse(await readFile(join(installation.storage, 'secrets.json'), 'utf8')) as {
      signing: Endpoint['keys']
    }
    await playRounds({
      suite: 'histories-bucket',
      installation,
      endpoint: { url: installation.objects, bucket, keys: secrets.signing },
      random: seededRandom(seed).split('histories in a bucket'),
      seed,
      faults: [...networkOf(network, 'the bucket'), ...killsOf(server)],
      fileClients: 3,
    })
    expect(await server.stop()).toBe(0)
  } finally {
    await server.kill()
    await network.close()
    await store.remove()
    await rm(dir, { recursive: true, force: true })
  }
})
