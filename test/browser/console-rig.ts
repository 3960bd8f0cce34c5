/** What the console's tests share: a page that is watched for what must never happen, and files made beforehand. */
import { createHash } from 'node:crypto'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import type { RunningGateway } from '../fixtures/gateway.ts'

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export type SampleFile = { name: string; mimeType: string; buffer: Buffer }

export const textFile = (name: string, text = 'hello'): SampleFile => ({
  name,
  mimeType: 'text/plain',
  buffer: Buffer.from(text),
})

/** Opens the console; at the end of the test no script has failed and the page's policy was never in the way. */
export async function openConsole(browser: Browser, url: string, o: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...o })
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (/Content.Security.Policy|Minified React error|Warning:/.test(message.text())) faults.push(message.text())
  })
  onTestFinished(async () => {
    await context.close()
    expect(faults).toEqual([])
  })
  await page.goto(`${url}/`)
  return page
}

/** Uploads by the API itself, as another program of the same user would. */
export async function storeFile(gateway: RunningGateway, file: SampleFile, token?: string): Promise<{ id: string; key: string }> {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
  const post = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(gateway.apiUrl + path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(await answer.text())
    return (await answer.json()) as Record<string, unknown>
  }
  const ticket = await post('/files/upload-url', { filename: file.name, mimeType: file.mimeType, size: file.buffer.length })
  const sent = await fetch(String(ticket['uploadUrl']), {
    method: 'PUT',
    headers: ticket['headers'] as Record<string, string>,
    body: new Uint8Array(file.buffer),
  })
  if (!sent.ok) throw new Error(await sent.text())
  const { id, key } = await post('/files/confirm', { key: ticket['key'] })
  return { id: String(id), key: String(key) }
}

/** Names in the server's list, newest first. */
export async function storedNames(gateway: RunningGateway): Promise<string[]> {
  const answer = await fetch(`${gateway.apiUrl}/files?limit=100`)
  const { files } = (await answer.json()) as { files: { filename: string }[] }
  return files.map((file) => file.filename)
}

/** A file's row in the list; the dock's rows are others. */
export const row = (page: Page, name: string): Locator =>
  page.locator('li.file').filter({ has: page.locator(`[title="${name}"]`) })

export const choose = (page: Page, files: SampleFile[]): Promise<void> => page.setInputFiles('input[type=file]', files)

/** Whether the page scrolls sideways. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
