import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Monitor } from '../../src/client/monitor.ts'
import { partSizeOf } from '../../src/client/multipart.ts'

const MiB = 2 ** 20

describe('Monitor', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  it('reports progress at most ten times a second, including the last, and never backwards', () => {
    const monitor = new Monitor({ filename: 'a', size: 1000, state: 'queued' })
    const seen: number[] = []
    monitor.subscribe(() => seen.push(monitor.getSnapshot().progress.loaded))
    const lane = monitor.lane()
    lane.phase('sending')
    for (let i = 1; i <= 100; i++) {
      vi.advanceTimersByTime(10)
      lane.loaded(i * 5)
    }
    lane.phase('retrying')
    lane.phase('sending')
    lane.loaded(10)
    vi.advanceTimersByTime(100)
    expect(seen.length).toBeLessThanOrEqual(14)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen.at(-1)).toBe(500)
  })

  it('computes speed and remaining time from the bytes sent here, not from earlier ones', () => {
    const monitor = new Monitor({ filename: 'a', size: 10_000, state: 'queued' })
    monitor.stored(5000, { size: 1000, total: 10, stored: new Set([1, 2, 3, 4, 6]) })
    const lane = monitor.lane()
    lane.part(5)
    lane.phase('sending')
    for (let i = 1; i <= 10; i++) {
      vi.advanceTimersByTime(100)
      lane.loaded(i * 100)
    }
    expect(monitor.getSnapshot().progress).toMatchObject({
      loaded: 6000,
      percent: 60,
      bytesPerSecond: 1000,
      etaSeconds: 4,
      part: { done: 5, total: 10, sending: [{ part: 5, loaded: 1000, phase: 'sending' }] },
    })
  })

  it('is finalizing once the last byte was sent, and 100 percent only at the end', () => {
    const monitor = new Monitor({ filename: 'a', size: 100, state: 'queued' })
    const [one, two] = [monitor.lane(), monitor.lane()]
    one.phase('sending')
    two.phase('sending')
    one.loaded(50)
    one.phase('answer')
    expect(monitor.state).toBe('uploading')
    two.loaded(50)
    two.phase('answer')
    expect(monitor.state).toBe('finalizing')
    expect(monitor.getSnapshot().progress.percent).toBe(99)
    monitor.set({ state: 'success' })
    expect(monitor.getSnapshot().progress).toMatchObject({ percent: 100, loaded: 100, etaSeconds: 0 })
  })

  it('keeps one snapshot until something changes', () => {
    const monitor = new Monitor({ filename: 'a', size: 1, state: 'queued' })
    const before = monitor.getSnapshot()
    expect(monitor.getSnapshot()).toBe(before)
    monitor.set({ state: 'signing' })
    expect(monitor.getSnapshot()).not.toBe(before)
  })
})

describe('partSizeOf', () => {
  it('is 8 MiB, and more only if 9000 parts do not suffice', () => {
    expect(partSizeOf(17 * MiB)).toBe(8 * MiB)
    expect(partSizeOf(9000 * 8 * MiB)).toBe(8 * MiB)
    expect(partSizeOf(9000 * 8 * MiB + 1)).toBe(8 * MiB + 1)
  })
})
