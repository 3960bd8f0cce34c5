/** postern/react in a page bundled by Vite, in StrictMode, by keyboard, drop and paste. Both drivers run this suite. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  type Backend,
  calm,
  MiB,
  patient,
  type Harness,
  startHarness,
  storedFiles,
  storedSha256,
  textFile,
} from './client-harness.ts'
import { watchFaults } from './page-faults.ts'
import { throttleUploads } from './throttle.ts'
import { limit } from '../fixtures/time-limit.ts'

export function reactSuite(where: string, backend: Backend): void {
  describe(`postern/react ${where}`, () => {
    let harness: Harness

    beforeAll(async () => {
      harness = await startHarness(backend)
      await build({
        root: join(import.meta.dirname, 'react-page'),
        configFile: false,
        base: './',
        logLevel: 'warn',
        build: { outDir: join(harness.folder, 'app'), emptyOutDir: true, assetsInlineLimit: 0 },
      })
    })
    afterAll(() => harness?.close())
    beforeEach(() => calm(harness))

    async function openApp(query = ''): Promise<Page> {
      const page = await harness.browser.newPage()
      page.setDefaultTimeout(60_000)
      const faults = watchFaults(
        page,
        (message) => message.type() === 'error' && !/Failed to load resource/.test(message.text()),
      )
      onTestFinished(async () => {
        await page.close()
        expect(faults).toEqual([])
      })
      await page.goto(`${harness.pageUrl}/app/index.html?api=${encodeURIComponent(harness.api.url)}${query}`)
      await zone(page).waitFor()
      return page
    }

    const zone = (page: Page) => page.getByRole('button', { name: 'Choose files, or drop or paste them here' })
    const row = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name })

    it('uploads with only the keyboard, announces it, and computes the checksum in a bundled Worker', async () => {
      const page = await openApp()
      const workers: string[] = []
      page.on('worker', (worker) => workers.push(worker.url()))
      const file = await textFile(harness, 'keyboard.txt', 70_000)
      page.on('filechooser', (chooser) => void chooser.setFiles(file.path))
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      await expect.poll(() => zone(page).evaluate((element) => element === document.activeElement), patient).toBe(true)
      await page.keyboard.press('Enter')
      await page.getByRole('status').filter({ hasText: 'keyboard.txt uploaded' }).waitFor({ state: 'attached' })
      expect(workers.map((url) => /checksum-worker-[\w-]+\.js$/.test(url))).toEqual([true])
      const stored = (await storedFiles(harness)).find(({ filename }) => filename === 'keyboard.txt')
      expect(await storedSha256(harness, stored!.id)).toBe(file.sha256)
      await row(page, 'keyboard.txt').getByRole('button', { name: 'Remove keyboard.txt from the list' }).focus()
      await page.keyboard.press('Enter')
      await row(page, 'keyboard.txt').waitFor({ state: 'detached' })
    })

    it('accepts dropped and pasted files, and explains rejected ones', async () => {
      const page = await openApp()
      const hand = (type: 'drop' | 'paste', name: string, mimeType: string) =>
        zone(page).evaluate(
          (element, o) => {
            const data = new DataTransfer()
            data.items.add(new File(['text'], o.name, { type: o.mimeType }))
            const event =
              o.type === 'drop'
                ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
                : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
            element.dispatchEvent(event)
          },
          { type, name, mimeType },
        )
      await hand('drop', 'dropped.txt', 'text/plain')
      await row(page, 'dropped.txt').getByText('uploaded').waitFor()
      await hand('paste', 'pasted.txt', 'text/plain')
      await row(page, 'pasted.txt').getByText('uploaded').waitFor()
      await hand('drop', 'program.exe', 'application/x-msdownload')
      await page.getByRole('alert').filter({ hasText: 'program.exe cannot be uploaded here.' }).waitFor()
      expect((await storedFiles(harness)).map(({ filename }) => filename)).toEqual(
        expect.arrayContaining(['dropped.txt', 'pasted.txt']),
      )
    })

    it('pauses, resumes and cancels with its buttons, and shows the state as text', async () => {
      const page = await openApp()
      await throttleUploads(page, 4 * MiB)
      const file = await textFile(harness, 'buttons.txt', 30 * MiB)
      await page.setInputFiles('.postern-dropzone input', file.path)
      const bar = page.getByRole('progressbar', { name: 'Upload of buttons.txt' })
      await expect.poll(async () => Number(await bar.getAttribute('aria-valuenow')), patient).toBeGreaterThan(10)
      await page.getByRole('button', { name: 'Pause buttons.txt' }).click()
      await row(page, 'buttons.txt').getByText('paused').waitFor()
      await page.getByRole('button', { name: 'Resume buttons.txt' }).click()
      await row(page, 'buttons.txt').getByText('uploading').waitFor()
      await page.getByRole('button', { name: 'Cancel buttons.txt' }).click()
      await row(page, 'buttons.txt').getByText('canceled').waitFor()
      const aborted = () => harness.api.seen.some(({ method, status }) => method === 'DELETE' && status === 204)
      await expect.poll(aborted, patient).toBe(true)
    })

    it('aborts running uploads on the server when it is unmounted', async () => {
      const page = await openApp()
      await throttleUploads(page, 4 * MiB)
      const file = await textFile(harness, 'unmounted.txt', 30 * MiB)
      await page.setInputFiles('.postern-dropzone input', file.path)
      const bar = page.getByRole('progressbar', { name: 'Upload of unmounted.txt' })
      await expect.poll(async () => Number(await bar.getAttribute('aria-valuenow')), patient).toBeGreaterThan(5)
      await page.getByRole('button', { name: 'Toggle' }).click()
      const ends = () => harness.api.seen.filter(({ method, status }) => method === 'DELETE' && status === 204)
      await expect.poll(() => ends().length, patient).toBe(1)
      const parts = await fetch(harness.gateway.apiUrl + ends()[0]!.url.pathname + '/parts')
      expect(parts.status).toBe(404)
    })

    it('lists uploads of an earlier visit, and continues one when its file is dropped again', async () => {
      const page = await openApp()
      await throttleUploads(page, 4 * MiB)
      const file = await textFile(harness, 'left.txt', 24 * MiB)
      await page.setInputFiles('.postern-dropzone input', file.path)
      const bar = page.getByRole('progressbar', { name: 'Upload of left.txt' })
      await expect.poll(async () => Number(await bar.getAttribute('aria-valuenow')), patient).toBeGreaterThan(10)
      await page.reload()
      await row(page, 'left.txt').getByText('choose the file again').waitFor()
      expect(await row(page, 'left.txt').count()).toBe(1)
      await page.setInputFiles('.postern-dropzone input', file.path)
      await row(page, 'left.txt').getByText('uploaded').waitFor()
      const stored = (await storedFiles(harness)).find(({ filename }) => filename === 'left.txt')
      expect(await storedSha256(harness, stored!.id)).toBe(file.sha256)
    })

    it('keeps two files with the same name and size apart if one is from an earlier visit', async () => {
      const page = await openApp()
      harness.store.fault = ({ url }) =>
        Number(url.searchParams.get('partNumber')) > 1 ? { kind: 'hang', afterBytes: 1 } : null
      const [left, other] = [
        await textFile(harness, 'same.txt', 24 * MiB),
        await textFile(harness, 'same.txt', 24 * MiB),
      ]
      await page.setInputFiles('.postern-dropzone input', left.path)
      await expect.poll(() => harness.store.seen.filter(({ status }) => status === 200).length, patient).toBe(1)
      await page.reload()
      await row(page, 'same.txt').getByText('choose the file again').waitFor()
      harness.store.fault = null
      harness.store.dropConnections()
      await page.setInputFiles('.postern-dropzone input', [other.path, left.path])
      await expect.poll(() => row(page, 'same.txt').getByText('uploaded').count(), { timeout: limit(40_000) }).toBe(2)
      const stored = (await storedFiles(harness)).filter((f) => f.filename === 'same.txt' && f.status === 'confirmed')
      const digests = await Promise.all(stored.map(({ id }) => storedSha256(harness, id)))
      expect(digests.toSorted()).toEqual([left.sha256, other.sha256].toSorted())
    })

    it('stores the relative path of a file in a folder', async () => {
      const page = await openApp()
      await zone(page).evaluate((element) => {
        const data = new DataTransfer()
        data.items.add(new File(['text'], 'page.txt', { type: 'text/plain' }))
        // As a browser gives the files of a folder that was chosen.
        const file = data.files[0]!
        Object.defineProperty(file, 'webkitRelativePath', { value: 'notes/2026/page.txt' })
        const input = element.querySelector('input')!
        Object.defineProperty(input, 'files', { value: [file], configurable: true })
        input.dispatchEvent(new Event('change', { bubbles: true }))
      })
      await row(page, 'page.txt').getByText('uploaded').waitFor()
      const stored = (await storedFiles(harness)).find(({ filename }) => filename === 'page.txt')
      expect(stored).toMatchObject({ metadata: { relativePath: 'notes/2026/page.txt' } })
    })

    it('useUpload returns the state of the uploads to a custom component', async () => {
      const page = await openApp('&hand')
      const output = page.locator('output')
      expect(await output.textContent()).toBe('idle')
      const [one, two] = [await textFile(harness, 'one.txt', 10_000), await textFile(harness, 'two.txt', 20_000)]
      await page.setInputFiles('#by-hand', [one.path, two.path])
      await output.filter({ hasText: 'success' }).waitFor()
      expect(await page.getByRole('region', { name: 'by hand' }).getByRole('listitem').allTextContents()).toEqual([
        'one.txt: success',
        'two.txt: success',
      ])
    })
  })
}
