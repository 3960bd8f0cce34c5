import { defineConfig } from 'vitest/config'
import { limit } from './test/fixtures/time-limit.ts'

/** Faults done to a server that runs. Apart from `npm test`: they need root, Linux and a few of its programs. */
export default defineConfig({
  test: {
    include: ['test/faults/*.faults.ts'],
    globalSetup: ['test/faults/build.ts'],
    testTimeout: limit(300_000),
    hookTimeout: limit(60_000),
    retry: process.env['CI'] === 'true' ? 1 : 0,
    pool: 'forks',
    // They wait for the disk as much as for the processor.
    maxWorkers: 3,
  },
})
