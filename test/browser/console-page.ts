/** Shared by the console's tests: a page that is watched for errors, and prepared files. */
import { createHash } from 'node:crypto'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import type { RunningGateway } from '../fixtures/gateway.ts'
import { watchFaults } from './page-faults.ts'

export { choose, type SampleFile, storeFile, textFile } from './sample-files.ts'

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Opens the console; at the end of the test no script has failed and the page's policy was never in the way. */
export async function openConsole(browser: Browser, url: string, o: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...o })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const faults = watchFaults(page, (message) =>
    /Content.Security.Policy|Minified React error|Warning:/.test(message.text()),
  )
  onTestFinished(async () => {
    await context.close()
    expect(faults).toEqual([])
  })
  await page.goto(`${url}/`)
  return page
}

/** From now on the server answers 503 to what the page asks for at `pattern`, with this problem. */
export const makeUnavailable = (page: Page, pattern: string, problem: object): Promise<unknown> =>
  page.route(pattern, (route) =>
    route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  )

/** Names in the server's list, newest first. */
export async function storedNames(gateway: RunningGateway): Promise<string[]> {
  const answer = await fetch(`${gateway.apiUrl}/files?limit=100`)
  const { files } = (await answer.json()) as { files: { filename: string }[] }
  return files.map((file) => file.filename)
}

/** A file's row in the list; the dock's rows are others. */
export const row = (page: Page, name: string): Locator =>
  page.locator('li.file').filter({ has: page.locator(`[title="${name}"]`) })

/** Whether the page scrolls sideways. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
