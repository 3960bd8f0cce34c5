import type { Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { chosenEngine } from '../fixtures/browsers.ts'
import { cutLine, freeLine, slowLine, watchSockets } from '../fixtures/slow-line.ts'

if (chosenEngine() !== 'chromium') watchSockets()

/**
 * Loopback swallows megabytes at once: only a slow line shows progress. Returns how to take the page off the network
 * and back. Chromium slows the page itself. For the others, the servers of this process read slowly.
 */
export async function throttleUploads(
  page: Page,
  bytesPerSecond: number,
): Promise<(isOffline: boolean) => Promise<void>> {
  if (chosenEngine() === 'chromium') return inChromium(page, bytesPerSecond)
  slowLine(bytesPerSecond)
  onTestFinished(freeLine)
  return chosenEngine() === 'firefox'
    ? (isOffline) => page.context().setOffline(isOffline)
    : (cut) => offWebKit(page, cut)
}

/** The browser context's own `setOffline` and this would undo each other. */
async function inChromium(page: Page, bytesPerSecond: number): Promise<(isOffline: boolean) => Promise<void>> {
  const devtools = await page.context().newCDPSession(page)
  const emulate = async (offline: boolean): Promise<void> => {
    await devtools.send('Network.emulateNetworkConditions', {
      offline,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: Number.isFinite(bytesPerSecond) ? bytesPerSecond : -1,
    })
  }
  await emulate(false)
  return emulate
}

/** The servers reset its connections, and the page hears what a browser says whose network is gone. */
async function offWebKit(page: Page, isOffline: boolean): Promise<void> {
  if (!isOffline) cutLine(false)
  await page.evaluate((off) => {
    Object.defineProperty(navigator, 'onLine', { value: !off, configurable: true })
    dispatchEvent(new Event(off ? 'offline' : 'online'))
  }, isOffline)
  if (isOffline) cutLine(true)
}
