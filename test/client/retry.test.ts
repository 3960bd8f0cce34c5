import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { backoff, maxAttempts, withRetries } from '../../src/client/retry.ts'
import { UploadError } from '../../src/client/upload-error.ts'

const busy = (retryAfter?: number) => new UploadError('server', 'busy', { status: 503, retryable: true, retryAfter })
const lost = () => new UploadError('network', 'lost', { status: 0, retryable: true })

describe('backoff', () => {
  it('is random up to a limit that doubles from 1 s to 30 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((n) => backoff(n, () => 1))).toEqual([1, 2, 4, 8, 16, 30, 30])
    expect(backoff(5, () => 0)).toBe(0)
    expect(backoff(5, () => 0.25)).toBe(4)
  })
})

describe('withRetries', () => {
  const network = new EventTarget()
  const reports: string[] = []
  const navigator = { onLine: true }
  let stop: AbortController

  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('navigator', navigator)
    vi.stubGlobal('addEventListener', network.addEventListener.bind(network))
    navigator.onLine = true
    reports.length = 0
    stop = new AbortController()
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  const run = (attempt: () => Promise<string>) => {
    const report = (what: string): void => void reports.push(what)
    const ended = withRetries(attempt, { signal: stop.signal, offlineTimeout: 60, report })
    ended.catch(() => undefined)
    return ended
  }

  it('fails after 8 attempts with the last error', async () => {
    const attempt = vi.fn<() => Promise<string>>(() => Promise.reject(busy()))
    const ended = run(attempt)
    await vi.advanceTimersByTimeAsync(300_000)
    await expect(ended).rejects.toMatchObject({ status: 503 })
    expect(attempt).toHaveBeenCalledTimes(maxAttempts)
  })

  it('waits as long as Retry-After says', async () => {
    const attempt = vi.fn<() => Promise<string>>().mockRejectedValueOnce(busy(7)).mockResolvedValue('done')
    const ended = run(attempt)
    await vi.advanceTimersByTimeAsync(6900)
    expect(attempt).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(200)
    await expect(ended).resolves.toBe('done')
    expect(reports).toEqual(['retrying', 'attempting'])
  })

  it('fails at once for errors that a retry cannot change', async () => {
    const attempt = vi.fn<() => Promise<string>>(() => Promise.reject(new UploadError('too-large', 'no')))
    await expect(run(attempt)).rejects.toMatchObject({ code: 'too-large' })
    expect(attempt).toHaveBeenCalledTimes(1)
  })

  it('counts no attempts while offline, and continues at the online event', async () => {
    navigator.onLine = false
    let failures = 0
    const ended = run(() => (failures++ < 12 ? Promise.reject(lost()) : Promise.resolve('done')))
    for (let i = 0; i < 12; i++) {
      await vi.advanceTimersByTimeAsync(100)
      network.dispatchEvent(new Event('online'))
    }
    await expect(ended).resolves.toBe('done')
    expect(new Set(reports)).toEqual(new Set(['offline', 'attempting']))
  })

  it('retries occasionally if the browser wrongly reports no network', async () => {
    navigator.onLine = false
    const ended = run(vi.fn<() => Promise<string>>().mockRejectedValueOnce(lost()).mockResolvedValue('done'))
    await vi.advanceTimersByTimeAsync(21_000)
    await expect(ended).resolves.toBe('done')
  })

  it('does not wait for a network forever', async () => {
    navigator.onLine = false
    const ended = run(() => Promise.reject(lost()))
    await vi.advanceTimersByTimeAsync(100_000)
    await expect(ended).rejects.toMatchObject({ code: 'offline-timeout', retryable: true })
  })

  it('stops at once when aborted', async () => {
    const attempt = vi.fn<() => Promise<string>>(() => Promise.reject(busy(500)))
    const ended = run(attempt)
    await vi.advanceTimersByTimeAsync(100)
    stop.abort(new UploadError('aborted', 'canceled'))
    await expect(ended).rejects.toMatchObject({ code: 'aborted' })
    expect(attempt).toHaveBeenCalledTimes(1)
  })
})
