import { defineConfig } from 'vitest/config'

/** Examples and the packed package. Apart from `npm test`: they install packages. */
export default defineConfig({
  test: {
    include: ['test/examples/*.example.ts'],
    testTimeout: 60_000,
    hookTimeout: 300_000,
    retry: process.env['CI'] === 'true' ? 1 : 0,
    pool: 'forks',
    maxWorkers: 2,
  },
})
