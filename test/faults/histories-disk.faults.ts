/**
 * Many clients work on a few keys and files at the same time, with the disk driver, two workers and PostgreSQL. Meanwhile
 * workers, the server and PostgreSQL are killed, and the network to PostgreSQL misbehaves. What the clients saw must be
 * linearizable. POSTERN_FAULTS_ROUNDS sets the number of rounds of 15 s.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { startPostgres } from '../fixtures/postgres.ts'
import { startStallingProxy } from '../fixtures/stalling-proxy.ts'
import { makeBucket } from './workload.ts'
import { crashOf, Killable, killsOf, networkOf } from './histories/disturbances.ts'
import { startMisbehavingProxy } from './histories/misbehaving-proxy.ts'
import { playRound } from './histories/round.ts'
import { playRounds, rounds } from './histories/rounds.ts'
import { seededRandom } from './seeded-random.ts'
import { bucket, createInstallation } from './installation.ts'

it(`is linearizable through ${rounds} rounds of faults`, { retry: 0, timeout: 7_200_000 }, async () => {
  const seed = inject('seed')
  const dir = await mkdtemp(join(tmpdir(), 'postern-histories-'))
  const postgres = await startPostgres()
  const database = new URL(await postgres.place())
  const network = await startStallingProxy({ port: Number(database.port) })
  database.port = String(network.port)
  const settings = { server: { workers: 2 }, database: { url: database.href } }
  const installation = await createInstallation({ storage: join(dir, 'storage'), outside: dir, settings })
  const server = new Killable(installation)
  try {
    await server.ready
    await makeBucket(installation)
    await playRounds({
      suite: 'histories-disk',
      installation,
      endpoint: { url: installation.objects, bucket, keys: installation.keys },
      random: seededRandom(seed).split('histories on the disk'),
      seed,
      faults: [...killsOf(server), crashOf(postgres), ...networkOf(network, 'PostgreSQL')],
      fileClients: 5,
    })
    expect(await server.stop()).toBe(0)
  } finally {
    await server.kill()
    await network.close()
    await postgres.close()
    await rm(dir, { recursive: true, force: true })
  }
})

it.each(['stale reads', 'lost writes', 'repeated writes'] as const)(
  'finds a planted bug: %s',
  { retry: 0, timeout: 300_000 },
  async (bug) => {
    const dir = await mkdtemp(join(tmpdir(), 'postern-histories-'))
    const installation = await createInstallation({ storage: join(dir, 'storage'), outside: dir })
    const server = new Killable(installation)
    const proxy = await startMisbehavingProxy(installation.objects, bug)
    try {
      await server.ready
      await makeBucket(installation)
      const result = await playRound({
        name: 'planted',
        // Signed for the proxy: the gateway reads the same Host.
        endpoint: { url: proxy.url, bucket, keys: installation.keys },
        random: seededRandom(inject('seed')).split(bug),
        // Few clients on few keys: other writes hide a bug only if they run at the same time.
        objectClients: 3,
        keys: 2,
        milliseconds: 3000,
        leastAnswers: 500,
        patience: 20_000,
        disturb: async () => [],
      })
      expect(result.checked.map(({ verdict }) => verdict.kind)).toContain('not linearizable')
    } finally {
      await proxy.close()
      await server.kill()
      await rm(dir, { recursive: true, force: true })
    }
  },
)
