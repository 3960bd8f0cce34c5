/** Bad input by chance, the same in every run; `npm run fuzz` goes on for as long as one likes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { everyFuzz } from './all.ts'
import { openFuzzHarness, type FuzzHarness } from './fuzz-harness.ts'
import { limit } from '../fixtures/time-limit.ts'

const seed = 20_261_122

let fuzzed: FuzzHarness
beforeAll(async () => {
  fuzzed = await openFuzzHarness()
})
afterAll(() => fuzzed?.close())

test.each(everyFuzz.map((one) => [one.name, one] as const))('%s', { timeout: limit(120_000) }, async (_, one) => {
  const { failure, tries } = await one.run(fuzzed, { seed, numRuns: one.usualTries })
  expect(failure?.report ?? '').toBe('')
  expect(tries).toBe(one.usualTries)
  await fuzzed.finish()
})
