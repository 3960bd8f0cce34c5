import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { limit } from './test/fixtures/time-limit.ts'

// The command is started hundreds of times; compiled once, it costs half.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules', '.cache', 'compiled')

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/fixtures/leak-check.ts'],
    // A command of ours takes seconds to start where everything runs at once.
    testTimeout: limit(60_000),
    hookTimeout: limit(120_000),
    // Browsers and processes share two cores with each other there: what fails twice is a failure.
    expect: { poll: { timeout: limit(10_000) } },
    retry: process.env['CI'] === 'true' ? 1 : 0,
    pool: 'forks',
    maxWorkers: 3,
  },
})
