import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createCollector } from '../../src/service/maintenance/collector.ts'
import type { ServiceDeps } from '../../src/service/deps.ts'
import { watchClock } from '../../src/service/maintenance/steady-clock.ts'

const hour = 3_600_000

function watch(stableFor = 3600) {
  const time = { wall: Date.parse('2026-01-01T00:00:00Z'), monotonic: 0 }
  const log = { warn: vi.fn<(facts: object, message: string) => void>(), info: vi.fn<() => void>() }
  const clock = watchClock({ log, stableFor, wall: () => time.wall, monotonic: () => time.monotonic })
  onTestFinished(() => clock.stop())
  const pass = (milliseconds: number): void => {
    time.wall += milliseconds
    time.monotonic += milliseconds
  }
  return { time, log, clock, pass }
}

it('allows deletions while time passes normally, also with corrections of a time server', () => {
  const { time, log, clock, pass } = watch()
  for (let i = 0; i < 100; i++) {
    pass(hour)
    time.wall += i % 2 === 0 ? 30_000 : -30_000
    expect(clock.isSteady()).toBe(true)
  }
  expect(log.warn).not.toHaveBeenCalled()
})

it('logs a jump forward of more than an hour, and holds deletions until the clock has been stable', () => {
  const { time, log, clock, pass } = watch()
  time.wall += hour + 1000
  expect(clock.isSteady()).toBe(false)
  expect(log.warn).toHaveBeenCalledOnce()
  expect(log.warn.mock.calls[0]![1]).toContain('server.clockStableFor')
  pass(hour / 2)
  expect(clock.isSteady()).toBe(false)
  time.wall += 2 * hour
  expect(clock.isSteady()).toBe(false)
  pass(hour - 1000)
  expect(clock.isSteady()).toBe(false)
  pass(2000)
  expect(clock.isSteady()).toBe(true)
  expect(log.info).toHaveBeenCalledOnce()
})

it('allows deletions at once when the clock was corrected', () => {
  const { time, clock } = watch()
  time.wall += 24 * hour
  expect(clock.isSteady()).toBe(false)
  time.wall -= 24 * hour
  expect(clock.isSteady()).toBe(true)
})

it('the collector starts no pass until the clock is steady', async () => {
  const takeLease = vi.fn<() => Promise<boolean>>(async () => false)
  const clock = { isSteady: false }
  const deps = {
    stores: { all: [] },
    catalog: { takeLease, dropLease: async () => {} },
    now: () => new Date(),
  } as unknown as ServiceDeps
  const collector = createCollector(deps, { interval: 0.01, mayDelete: () => clock.isSteady })
  onTestFinished(() => collector.stop())
  collector.start()
  await sleep(100)
  expect(takeLease).not.toHaveBeenCalled()
  clock.isSteady = true
  await expect.poll(() => takeLease.mock.calls.length).toBeGreaterThan(0)
})
