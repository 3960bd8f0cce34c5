import { defineConfig } from 'vitest/config'
import { limit } from './test/fixtures/time-limit.ts'

/** What the gateway is deployed with: proxies, systemd, the image. Apart from `npm test`: they need foreign programs. */
export default defineConfig({
  test: {
    include: ['test/packaging/*.packaging.ts'],
    testTimeout: limit(60_000),
    hookTimeout: limit(300_000),
    retry: process.env['CI'] === 'true' ? 1 : 0,
    pool: 'forks',
    maxWorkers: 1,
  },
})
