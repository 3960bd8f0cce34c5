/** The two-user model over HTTP, the same in every run; `npm run fuzz` plays it for as long as one likes. */
import { expect, test } from 'vitest'
import { twoUsers } from './two-users.ts'
import { limit } from '../fixtures/time-limit.ts'

test('whatever two users do, in any order and at once', { timeout: limit(120_000) }, async () => {
  const { failure, tries } = await twoUsers.run(null, { seed: 20_261_122, numRuns: twoUsers.usualTries })
  expect(failure?.report ?? '').toBe('')
  expect(tries).toBe(twoUsers.usualTries)
})
