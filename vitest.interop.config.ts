import { defineConfig } from 'vitest/config'
import { limit } from './test/fixtures/time-limit.ts'

/** Clients that nobody here wrote, against a whole gateway. Apart from `npm test`: they need foreign programs. */
export default defineConfig({
  test: {
    include: ['test/interop/*.interop.ts'],
    testTimeout: limit(180_000),
    hookTimeout: limit(180_000),
    retry: process.env['CI'] === 'true' ? 1 : 0,
    pool: 'forks',
    maxWorkers: 2,
  },
})
