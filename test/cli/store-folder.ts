/** A folder with a store and a catalog, for tests of commands without a running server. */
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { makeBench, type Bench } from './run-postern.ts'

export let bench: Bench
export const folder = (): string => join(bench.path, 'storage')
export const catalog = (): string => join(bench.path, 'catalog.sqlite')
export const start = (dir = bench.path): Promise<RunningGateway> => startGateway({}, { dir })

/** A new folder for each test. */
export function useStoreFolder(): void {
  // Each command is a separate process, which takes seconds on a busy machine.
  vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })
  beforeEach(() => {
    bench = makeBench()
  })
  afterEach(() => bench.remove())
}
