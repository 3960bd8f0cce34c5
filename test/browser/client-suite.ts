/** postern/client in Chromium, against any store: each scenario injects its fault for real. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import { crowds } from './client-crowd.ts'
import { recovery } from './client-recovery.ts'
import { refusals } from './client-refusals.ts'
import { type Backend, calm, type Rig, startRig } from './client-rig.ts'
import { transfers } from './client-transfers.ts'
import { files } from './client-files.ts'
import { interruptions } from './client-interruptions.ts'
import { limit } from '../fixtures/time-limit.ts'

/** Set before the first test runs. */
export type Running = { rig: Rig }

export function clientSuite(where: string, backend: Backend): void {
  describe(`postern/client ${where}`, { timeout: limit(180_000) }, () => {
    const running = {} as Running
    beforeAll(async () => {
      running.rig = await startRig(backend)
    })
    afterAll(() => running.rig?.close())
    beforeEach(() => calm(running.rig))

    transfers(running)
    refusals(running, backend)
    files(running)
    recovery(running)
    interruptions(running)
    crowds(running)
  })
}
