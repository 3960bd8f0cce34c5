/** The nine invariants with two processes behind one port. Settings of single tests start a separate process. */
import { afterAll, expect, it, vi } from 'vitest'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import type { Gateway } from '../../src/main.ts'
import { invariantsSuite } from '../api/invariants.ts'
import { diskOptions } from '../drivers/disk-fixture.ts'
import { startGateway, testConfig, type RunningGateway } from '../fixtures/gateway.ts'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'
import { limit } from '../fixtures/time-limit.ts'

let workers: RunningCommand | undefined
afterAll(() => workers?.close())

invariantsSuite('with two workers', async (overrides, o) => {
  if (workers !== undefined || overrides !== undefined || o !== undefined) return startGateway(overrides, o)
  workers = await startCommand({ server: { workers: 2 } })
  const config = testConfig(workers.dir)
  const driver = await createDiskDriver(diskOptions(config.storage.disk.path))
  const running: RunningGateway = {
    ...workers,
    gateway: { driver, config } as Gateway,
    close: () => driver.close(),
  }
  return running
})

it('was served by both', async () => {
  await vi.waitFor(() => expect(workers?.workers().toSorted()).toEqual([0, 1]), { timeout: limit(10_000) })
})
