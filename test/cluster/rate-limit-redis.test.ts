/** One rate limit for several gateways, also while Redis is unreachable. */
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { as, textFile } from '../api/caller.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { startRedis, type RedisServer } from '../fixtures/redis.ts'
import { limit } from '../fixtures/time-limit.ts'

let redis: RedisServer
let gateways: RunningGateway[]
let logged: string[]
beforeAll(async () => {
  redis = await startRedis()
  logged = []
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) })
  const settings = { limits: { issuePerMinute: 20, store: redis.url } }
  gateways = [await startGateway(settings, { log }), await startGateway(settings)]
})
afterAll(async () => {
  for (const gateway of gateways ?? []) await gateway.close()
  await redis?.close()
})
const ask = async (count: number, user: string): Promise<number[]> => {
  const callers = await Promise.all(gateways.map((gateway) => as(gateway, user)))
  const answers = await Promise.all(
    Array.from({ length: count }, (_, i) => callers[i % callers.length]!.post('/files/upload-url', textFile)),
  )
  return answers.map(({ status }) => status)
}
const told = (what: string) => logged.filter((line) => line.includes(what)).length

it('several gateways share one limit', async () => {
  const statuses = await ask(50, 'alice')
  expect(statuses.filter((status) => status === 200)).toHaveLength(20)
  expect(statuses.filter((status) => status === 429)).toHaveLength(30)
})

it('each gateway counts alone while Redis is unreachable, logs that once, and shares the limit again later', async () => {
  await redis.stop()
  const meanwhile = await ask(50, 'bob')
  expect(meanwhile.filter((status) => status === 200)).toHaveLength(40)
  expect(meanwhile.filter((status) => status === 429)).toHaveLength(10)
  expect(told('limits.store does not respond')).toBe(1)
  await redis.start()
  const carol = await as(gateways[0]!, 'carol')
  await vi.waitFor(
    async () => {
      await carol.post('/files/upload-url', textFile)
      expect(told('limits.store responds again')).toBe(1)
    },
    { timeout: limit(10_000), interval: 200 },
  )
  await vi.waitFor(
    async () => {
      const statuses = await ask(50, `dave-${Math.random()}`)
      expect(statuses.filter((status) => status === 200)).toHaveLength(20)
    },
    { timeout: limit(10_000), interval: 300 },
  )
})

it('a gateway starts without Redis', async () => {
  const away = await startGateway({ limits: { issuePerMinute: 3, store: 'redis://127.0.0.1:1' } })
  const alice = await as(away, 'alice')
  const answers = await Promise.all([1, 2, 3, 4].map(() => alice.post('/files/upload-url', textFile)))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 429])
  await away.close()
})
