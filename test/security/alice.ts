/** A harness on which alice has a bucket with one object in it. */
import { afterAll, beforeAll } from 'vitest'
import { startHarness, type Harness } from './harness.ts'

/** Of the test file that called `serveAlice`, from its first test on. */
export let harness: Harness

export function serveAlice(o: { key: string; body: string }): void {
  beforeAll(async () => {
    harness = await startHarness()
    await harness.signed('alice', 'PUT', '/alice-1')
    await harness.signed('alice', 'PUT', `/alice-1/${o.key}`, { body: o.body })
  })
  afterAll(() => harness?.close())
}
