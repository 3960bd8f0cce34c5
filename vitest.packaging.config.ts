import { defineConfig } from 'vitest/config'

/** What the gateway is deployed with: proxies, systemd, the image. Apart from `npm test`: they need foreign programs. */
export default defineConfig({
  test: {
    include: ['test/packaging/*.packaging.ts'],
    testTimeout: 60_000,
    hookTimeout: 300_000,
    retry: process.env['CI'] === 'true' ? 1 : 0,
    pool: 'forks',
    maxWorkers: 1,
  },
})
