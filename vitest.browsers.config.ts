import { defineConfig } from 'vitest/config'
import { limit } from './test/fixtures/time-limit.ts'
import { engines, missingEngine } from './test/fixtures/browsers.ts'

/** The same scenarios in each engine that this machine has. */
const present = []
for (const engine of engines) if ((await missingEngine(engine)) === null) present.push(engine)

const suites = ['smoke', 'client-disk', 'console-disk', 'react-disk', 'snippets-disk', 'uppy-page', 'redirects']

export default defineConfig({
  test: {
    expect: { poll: { timeout: limit(10_000) } },
    globalSetup: ['test/fixtures/leak-check.ts'],
    retry: process.env['CI'] === 'true' ? 1 : 0,
    pool: 'forks',
    maxWorkers: 1,
    projects: present.map((engine) => ({
      extends: true,
      test: {
        name: engine,
        env: { TEST_BROWSER: engine },
        include: suites.map((suite) => `test/browser/${suite}.test.ts`),
        testTimeout: limit(60_000),
        hookTimeout: limit(120_000),
      },
    })),
  },
})
