import { expect, it } from 'vitest'
import { timeLeft } from '../../src/cli/progress.ts'
import { createPace } from '../../src/migrate/pace.ts'

const { signal } = new AbortController()

it('delays bytes by the rate for all callers, and not without a rate', async () => {
  const pace = createPace(1000)
  const begun = performance.now()
  await Promise.all([pace(100, signal), pace(100, signal), pace(0, signal)])
  // A timer may be a little early by its own clock.
  expect(performance.now() - begun).toBeGreaterThan(190)
  await createPace(null)(1e12, signal)
})

it('ends an aborted wait', async () => {
  const pace = createPace(1)
  await pace(1e6, signal)
  await expect(pace(1, AbortSignal.abort())).rejects.toThrow('aborted')
})

it('returns the remaining time once there is a rate', () => {
  expect(timeLeft(0, 60_000)).toBe('')
  expect(timeLeft(0.5, 1000)).toBe('')
  expect(timeLeft(0.5, 30_000)).toBe(', 30 s left')
  expect(timeLeft(0.1, 60_000)).toBe(', 9 min left')
  expect(timeLeft(0.01, 3_600_000)).toBe(', 99 h left')
  expect(timeLeft(1, 60_000)).toBe('')
})
