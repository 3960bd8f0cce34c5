/** A browser for all tests of a file, and a gateway with the console for each test. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { launchBrowser } from '../fixtures/browsers.ts'
import type { RunningGateway } from '../fixtures/gateway.ts'
import type { StartGateway } from './gateway-on-s3.ts'

/** Of the test file that called `useBrowser`. */
export let browser: Browser
/** Of the test that runs, where `useConsole` was called. */
export let gateway: RunningGateway

export function useBrowser(): void {
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())
}

export function useConsole(start: StartGateway): void {
  beforeEach(async () => {
    gateway = await start({}, { dev: true })
    return () => gateway.close()
  })
}
