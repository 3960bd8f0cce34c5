/** The two-user model over HTTP, with a fixed seed. `npm run fuzz` runs it for any time. */
import { expect, test } from 'vitest'
import { twoUsers } from './two-users.ts'
import { limit } from '../fixtures/time-limit.ts'

test(
  'holds the invariants for random actions of two users, in sequence and concurrently',
  { timeout: limit(120_000) },
  async () => {
    const { failure, tries } = await twoUsers.run(null, { seed: 20_261_122, numRuns: twoUsers.usualTries })
    expect(failure?.report ?? '').toBe('')
    expect(tries).toBe(twoUsers.usualTries)
  },
)
