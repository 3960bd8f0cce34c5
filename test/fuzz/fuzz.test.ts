/** Bad input by chance, the same in every run; `npm run fuzz` goes on for as long as one likes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { everyFuzz } from './all.ts'
import { openStage, type Stage } from './stage.ts'
import { limit } from '../fixtures/time-limit.ts'

const seed = 20_261_122

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.close())

test.each(everyFuzz.map((one) => [one.name, one] as const))('%s', { timeout: limit(120_000) }, async (_, one) => {
  const { failure, tries } = await one.run(stage, { seed, numRuns: one.usualTries })
  expect(failure?.report ?? '').toBe('')
  expect(tries).toBe(one.usualTries)
  await stage.finish()
})
