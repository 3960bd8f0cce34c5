/** Pages on a plain HTTP address that is not localhost, as in a home network: no crypto.subtle, no crypto.randomUUID. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser } from '../fixtures/browsers.ts'
import {
  type Backend,
  calm,
  choose,
  MiB,
  openPage,
  outcome,
  partRequests,
  patient,
  type Harness,
  sha256,
  start,
  startHarness,
  storedFiles,
  storedSha256,
  textFile,
} from './client-harness.ts'
import { buildUppy, majors, openUppy, startUppy, uppyBytes, uppyOutcome } from './uppy-page.ts'
import { limit } from '../fixtures/time-limit.ts'

/** Names that no other test knows; both are this machine, which the page cannot tell. */
const names = { page: 'app.home.arpa', api: 'files.home.arpa' }

export function plainHttpSuite(where: string, backend: Backend): void {
  describe(`on a plain HTTP origin that is not localhost, ${where}`, () => {
    /** As the page sees it: by those names. */
    let harness: Harness
    let close: () => Promise<void>
    let headers: { authorization: string }
    let page: Page | undefined

    beforeAll(async () => {
      const local = await startHarness(backend)
      const browser = await launchBrowser({ hosts: Object.values(names) })
      close = async () => {
        await browser.close()
        await local.close()
      }
      const at = (url: string, name: string): string => url.replace('127.0.0.1', name)
      const api = Object.create(local.api, { url: { value: at(local.api.url, names.api) } }) as Harness['api']
      harness = { ...local, api, browser, pageUrl: at(local.pageUrl, names.page) }
      // Nobody is let in without credentials from such a page; these are the user's that the checks read as.
      headers = { authorization: `Bearer ${await local.gateway.token('dev')}` }
      await buildUppy(local.folder)
      await build({
        root: join(import.meta.dirname, 'react-page'),
        configFile: false,
        base: './',
        logLevel: 'warn',
        build: { outDir: join(local.folder, 'app'), emptyOutDir: true, assetsInlineLimit: 0 },
      })
    }, 180_000)
    afterAll(() => close?.())
    beforeEach(() => calm(harness))
    afterEach(async () => {
      await page?.close()
      page = undefined
    })

    it('is not a secure context, and a request without credentials is 401', async () => {
      page = await openPage(harness)
      const has = () => [isSecureContext, crypto.subtle === undefined, crypto.randomUUID === undefined]
      expect(await page.evaluate(has)).toEqual([false, true, true])
      const { error } = await page.evaluate(() => postern.outcome(postern.start(new File(['text'], 'nobody.txt'))))
      expect(error).toMatchObject({ status: 401 })
    })

    it.for([
      { kind: 'in one request, with its checksum', bytes: MiB, parts: 0 },
      { kind: 'in parts', bytes: 20 * MiB, parts: 3 },
    ])('our client uploads a file $kind', async ({ bytes, parts }) => {
      const file = await textFile(harness, `plain-${bytes}.txt`, bytes)
      page = await openPage(harness, { headers })
      await choose(page, file.path)
      const { record } = await outcome(page, await start(page))
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect(partRequests(harness).size).toBe(parts)
      const { value = '' } = (record!.checksum ?? {}) as { value?: string }
      expect(Buffer.from(value, 'base64').toString('hex') === file.sha256).toBe(parts === 0)
    })

    it.for(
      majors.flatMap((major) => [
        { major, kind: 'in one request', size: 100_000, isMultipart: false },
        { major, kind: 'in parts', size: 11 * MiB, isMultipart: true },
      ]),
    )('Uppy $major sends a file $kind', async ({ major, size, isMultipart }) => {
      const name = `plain uppy ${major} ${size} é (1).txt`
      const options = { shouldUseMultipart: isMultipart, partSize: 5 * MiB }
      page = await openUppy(harness, { major, way: 'client', headers, options })
      await startUppy(page, { name, type: 'text/plain', size })
      expect((await uppyOutcome(page)).failed).toEqual([])
      const own = async () => (await storedFiles(harness)).filter(({ filename }) => filename === name)
      // What a bucket received is confirmed by the collector.
      await expect.poll(own, { timeout: limit(20_000) }).toMatchObject([{ status: 'confirmed' }])
      const stored = await own()
      expect(await storedSha256(harness, stored[0]!.id)).toBe(sha256(uppyBytes(size)))
      expect(partRequests(harness).size).toBe(isMultipart ? 3 : 0)
    })

    it('the drop zone works with only the keyboard', async () => {
      const file = await textFile(harness, 'plain-keyboard.txt', 70_000)
      page = await harness.browser.newPage()
      page.setDefaultTimeout(60_000)
      page.on('filechooser', (chooser) => void chooser.setFiles(file.path))
      const query = new URLSearchParams({ api: harness.api.url, token: headers.authorization.slice('Bearer '.length) })
      await page.goto(`${harness.pageUrl}/app/index.html?${query}`)
      const zone = page.getByRole('button', { name: 'Choose files, or drop or paste them here' })
      await zone.waitFor()
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      await expect.poll(() => zone.evaluate((element) => element === document.activeElement), patient).toBe(true)
      await page.keyboard.press('Space')
      await page.getByRole('status').filter({ hasText: 'plain-keyboard.txt uploaded' }).waitFor({ state: 'attached' })
      const stored = (await storedFiles(harness)).find(({ filename }) => filename === 'plain-keyboard.txt')
      expect(await storedSha256(harness, stored!.id)).toBe(file.sha256)
    })
  })
}

declare const postern: import('./client-harness.ts').ClientPage
