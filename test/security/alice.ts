/** A rig on which alice has a bucket with one object in it. */
import { afterAll, beforeAll } from 'vitest'
import { startRig, type Rig } from './rig.ts'

/** Of the test file that called `serveAlice`, from its first test on. */
export let rig: Rig

export function serveAlice(o: { key: string; body: string }): void {
  beforeAll(async () => {
    rig = await startRig()
    await rig.signed('alice', 'PUT', '/alice-1')
    await rig.signed('alice', 'PUT', `/alice-1/${o.key}`, { body: o.body })
  })
  afterAll(() => rig?.close())
}
