import { defineConfig } from 'vitest/config'
import { limit } from './test/fixtures/time-limit.ts'

/** Examples and the packed package. Apart from `npm test`: they install packages. */
export default defineConfig({
  test: {
    include: ['test/examples/*.example.ts'],
    testTimeout: limit(60_000),
    hookTimeout: limit(300_000),
    retry: process.env['CI'] === 'true' ? 1 : 0,
    pool: 'forks',
    maxWorkers: 2,
  },
})
