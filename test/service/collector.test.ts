import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StorageError } from '../../src/errors.ts'
import { createCollector } from '../../src/service/maintenance/collector.ts'
import { createHarness, type Harness } from './harness.ts'

describe('collector', () => {
  let harness: Harness
  beforeEach(async () => {
    harness = await createHarness()
  })
  afterEach(() => harness.close())

  it('collects periodically', async () => {
    const collector = createCollector(harness.deps, { interval: 0.02 })
    collector.start()
    for (let i = 0; i < 2; i++) {
      const { id, ref } = await harness.begin()
      await harness.put(ref)
      harness.pass(2 * 86_400)
      await vi.waitFor(async () => expect(await harness.find(id)).toBeNull())
    }
    await collector.stop()
  })

  it('continues after a failed pass', async () => {
    const { catalog } = harness.deps
    const overdueUploads = vi
      .fn<typeof catalog.overdueUploads>(catalog.overdueUploads)
      .mockRejectedValueOnce(new StorageError('Unavailable'))
    harness.deps.catalog = { ...catalog, overdueUploads }
    const collector = createCollector(harness.deps, { interval: 0.02 })
    collector.start()
    await vi.waitFor(() => expect(overdueUploads.mock.calls.length).toBeGreaterThan(2))
    await collector.stop()
    expect(harness.logged.join('')).toContain('the collector failed')
  })

  it('never runs two passes concurrently, and stops after the running one', async () => {
    const { catalog } = harness.deps
    let open = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    let entered = 0
    const overdueUploads: typeof catalog.overdueUploads = async (...args) => {
      entered += 1
      await gate
      return catalog.overdueUploads(...args)
    }
    harness.deps.catalog = { ...catalog, overdueUploads }
    const collector = createCollector(harness.deps, { interval: 0.01 })
    collector.start()
    const runs = [collector.run(), collector.run()]
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(entered).toBe(1)
    let stopped = false
    const stopping = collector.stop().then(() => {
      stopped = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(stopped).toBe(false)
    open()
    await stopping
    expect(await Promise.all(runs)).toHaveLength(2)
    const before = entered
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(entered).toBe(before)
  })
})
