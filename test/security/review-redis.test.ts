/**
 * Findings of the security review about a misbehaving Redis. See docs/security-review.md. All but the third fail
 * without their fix.
 */
import { tmpdir } from 'node:os'
import type { Context } from 'koa'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createRateLimit } from '../../src/api/rate-limit.ts'
import { createLogger } from '../../src/http/logger.ts'
import { makeFolder } from '../config/folder.ts'
import { startFakeRedis, type FakeRedis } from '../fixtures/fake-redis.ts'
import { testConfig } from '../fixtures/gateway.ts'

let redis: FakeRedis
let logged: string[]
beforeEach(async () => {
  redis = await startFakeRedis()
  logged = []
})
afterEach(() => redis.close())

/** Resolves to whether the user may have one more. */
async function startLimit(issuePerMinute = 1000): Promise<(user?: string) => Promise<boolean>> {
  const log = createLogger({ level: 'info', format: 'json' }, { write: (line) => void logged.push(line) })
  const config = testConfig(tmpdir(), { limits: { issuePerMinute, store: redis.url } })
  const { limit, close } = await createRateLimit(config, { log, isWorker: false })
  onTestFinished(close)
  return (user = 'alice') =>
    limit({} as Context, { user, via: 'bearer' }).then(
      () => true,
      () => false,
    )
}

const told = (what: string) => logged.filter((line) => line.includes(what))
const away = 'limits.store does not respond'

describe('a Redis that hangs', () => {
  it('delays the first requests, and none after them', async () => {
    const ask = await startLimit()
    redis.answer = 'nothing'
    await Promise.all(Array.from({ length: 20 }, () => ask()))
    expect([told(away).length, redis.asked]).toEqual([1, 20])
    // One of them asks it whether it is back; what is asked does not pile up in the connection.
    for (let i = 0; i < 5; i++) await Promise.all(Array.from({ length: 100 }, () => ask()))
    expect(redis.asked).toBeLessThan(25)
  })

  it('gets a new connection, and counts again as soon as it responds', async () => {
    const ask = await startLimit()
    redis.answer = 'nothing'
    await ask()
    await vi.waitUntil(() => redis.connections > 1, { timeout: 15_000 })
    redis.answer = 'count'
    await vi.waitUntil(async () => (await ask()) && told('limits.store responds again').length === 1, {
      timeout: 10_000,
      interval: 50,
    })
    const before = redis.asked
    await ask()
    expect(redis.asked).toBe(before + 1)
  })

  it('allows no client more than the limit of one process', async () => {
    const ask = await startLimit(5)
    redis.answer = 'nothing'
    const allowed = await Promise.all(Array.from({ length: 9 }, () => ask()))
    const later = await Promise.all(Array.from({ length: 9 }, () => ask()))
    expect([...allowed, ...later].filter(Boolean)).toHaveLength(5)
  })
})

it('a Redis that became a replica is replaced by the one that its name resolves to', async () => {
  const ask = await startLimit()
  expect(await ask()).toBe(true)
  expect(redis.connections).toBe(1)
  redis.answer = { error: "READONLY You can't write against a read only replica." }
  expect(await ask()).toBe(true)
  await vi.waitUntil(() => redis.connections > 1, { timeout: 5000 })
})

it('the log gives the reason of a Redis failure, and no password', async () => {
  redis.refusal = 'WRONGPASS invalid username-password pair or user is disabled.'
  const ask = await startLimit()
  expect(await ask()).toBe(true)
  expect(told(away)).toEqual([expect.stringContaining('WRONGPASS')])
  expect(logged.join('')).not.toContain('very-private')
})

it.each(['redis://:very/private@cache:6379', 'redis://:very%private@cache', 'redis://cache:port'])(
  'limits.store that cannot be read (%s) is a mistake of the configuration, and not shown',
  (url) => {
    const folder = makeFolder()
    onTestFinished(() => folder.remove())
    const problems = folder.problems({ env: { POSTERN_LIMITS_STORE: url } })
    expect(problems).toEqual([expect.stringContaining('limits.store: expects memory or redis://')])
    expect(problems.join('')).toMatch(/%2F/)
    expect(problems.join('')).not.toContain('private')
  },
)
