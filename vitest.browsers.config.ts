import { defineConfig } from 'vitest/config'
import { engines, missingEngine } from './test/fixtures/browsers.ts'
import { limit } from './test/fixtures/time-limit.ts'

/** The same scenarios in each engine that this machine has. */
const present = []
for (const engine of engines) if ((await missingEngine(engine)) === null) present.push(engine)

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
        include: ['test/browser/*.test.ts'],
        // They need a real store, repeat what the others show, or are about one engine.
        exclude: ['rgw', 's3-own']
          .map((store) => `test/browser/*-${store}.test.ts`)
          .concat('test/browser/chromium.test.ts'),
        testTimeout: limit(60_000),
        hookTimeout: limit(120_000),
      },
    })),
  },
})
