import type { Page } from 'playwright-core'

/**
 * Loopback swallows megabytes at once: only a slow line shows progress. Returns how to take the page off the network
 * and back: the browser context's own `setOffline` and this would undo each other.
 */
export async function throttleUploads(
  page: Page,
  bytesPerSecond: number,
): Promise<(isOffline: boolean) => Promise<void>> {
  const devtools = await page.context().newCDPSession(page)
  const emulate = async (offline: boolean): Promise<void> => {
    await devtools.send('Network.emulateNetworkConditions', {
      offline,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytesPerSecond,
    })
  }
  await emulate(false)
  return emulate
}
