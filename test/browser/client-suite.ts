/** postern/client in a browser, against any store. Each scenario injects a real fault. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import { crowds } from './client-concurrency.ts'
import { recovery } from './client-recovery.ts'
import { refusals } from './client-refusals.ts'
import { type Backend, calm, type Harness, startHarness } from './client-harness.ts'
import { transfers } from './client-transfers.ts'
import { files } from './client-files.ts'
import { interruptions } from './client-interruptions.ts'
import { limit } from '../fixtures/time-limit.ts'

/** Set before the first test runs. */
export type Running = { harness: Harness }

export function clientSuite(where: string, backend: Backend): void {
  describe(`postern/client ${where}`, { timeout: limit(180_000) }, () => {
    const running = {} as Running
    beforeAll(async () => {
      running.harness = await startHarness(backend)
    })
    afterAll(() => running.harness?.close())
    beforeEach(() => calm(running.harness))

    transfers(running)
    refusals(running, backend)
    files(running)
    recovery(running)
    interruptions(running)
    crowds(running)
  })
}
