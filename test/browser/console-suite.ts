/** The console in a real browser with a complete gateway. Both drivers run this suite. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { landscape, scenes } from '../fixtures/sample-image.ts'
import { choose, openConsole, row, sha256, storeFile, storedNames, textFile } from './console-page.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import type { StartGateway } from './gateway-on-s3.ts'
import { throttleUploads } from './throttle.ts'

const picture = { name: 'dusk over the hills.png', mimeType: 'image/png', buffer: landscape(320, 240, scenes.dusk) }

export function consoleSuite(where: string, start: StartGateway): void {
  describe(`console, ${where}`, () => {
    useBrowser()
    useConsole(start)

    it('uploads files from the file chooser with progress, and downloads the same bytes', async () => {
      const page = await openConsole(browser, gateway.apiUrl)
      await page.getByRole('heading', { name: 'No files yet' }).waitFor()
      await throttleUploads(page, 2 ** 20)
      const notes = textFile('notes.txt', randomBytes(6 * 2 ** 20).toString('hex'))

      const progress = await page.evaluateHandle(() => {
        const seen: number[] = []
        new MutationObserver(() => {
          const bar = document.querySelector('[role=progressbar][aria-label="Upload of notes.txt"]')
          if (bar) seen.push(Number(bar.getAttribute('aria-valuenow')))
        }).observe(document.body, { subtree: true, childList: true, attributeFilter: ['aria-valuenow'] })
        return seen
      })
      const chooser = page.waitForEvent('filechooser')
      await page.getByRole('button', { name: 'Upload', exact: true }).click()
      await (await chooser).setFiles([notes, picture])

      await page.getByText('2 files uploaded').first().waitFor()
      const seen = await progress.jsonValue()
      expect(new Set(seen.filter((n) => n > 0 && n < 100)).size).toBeGreaterThan(3)
      expect(seen).toEqual(seen.toSorted((a, b) => a - b))

      await row(page, 'notes.txt').waitFor()
      const thumbnail = row(page, picture.name).locator('img')
      await thumbnail.waitFor()
      expect(await thumbnail.evaluate(async (img: HTMLImageElement) => (await img.decode(), img.naturalWidth))).toBe(
        320,
      )

      const download = page.waitForEvent('download')
      await row(page, 'notes.txt').hover()
      await page.getByRole('button', { name: 'Download notes.txt' }).click()
      const saved = await download
      expect(saved.suggestedFilename()).toBe('notes.txt')
      expect(sha256(await readFile(await saved.path()))).toBe(sha256(notes.buffer))
      expect(page.url()).toBe(`${gateway.apiUrl}/`)
    })

    it('uploads files that are dropped on the window or pasted', async () => {
      const page = await openConsole(browser, gateway.apiUrl)
      await page.getByRole('heading', { name: 'No files yet' }).waitFor()
      const drag = await page.evaluateHandle(() => {
        const dropped = new DataTransfer()
        dropped.items.add(new File(['a'], 'dropped.txt', { type: 'text/plain' }))
        dropped.items.add(new File(['b'], 'dropped too.txt', { type: 'text/plain' }))
        const send = (type: string): boolean =>
          document.body.dispatchEvent(new DragEvent(type, { dataTransfer: dropped, bubbles: true, cancelable: true }))
        send('dragenter')
        send('dragover')
        return { drop: () => send('drop') }
      })
      await page.getByText('Drop 2 files, 2 B').waitFor()
      await drag.evaluate(({ drop }) => drop())
      await row(page, 'dropped too.txt').waitFor()
      expect(await page.getByText('Drop 2 files, 2 B').count()).toBe(0)
      await page.evaluate(() => {
        const pasted = new DataTransfer()
        pasted.items.add(new File(['c'], 'pasted.txt', { type: 'text/plain' }))
        document.body.dispatchEvent(
          new ClipboardEvent('paste', { clipboardData: pasted, bubbles: true, cancelable: true }),
        )
      })
      await row(page, 'pasted.txt').waitFor()
      expect((await storedNames(gateway)).toSorted()).toEqual(['dropped too.txt', 'dropped.txt', 'pasted.txt'])
    })

    it('deletes after eight seconds, unless the user undoes it', async () => {
      await storeFile(gateway, textFile('goes.txt'))
      await storeFile(gateway, textFile('stays.txt'))
      const page = await openConsole(browser, gateway.apiUrl)
      await row(page, 'stays.txt').hover()
      await page.getByRole('button', { name: 'Delete stays.txt' }).click()
      await row(page, 'stays.txt').waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Undo' }).click()
      await row(page, 'stays.txt').waitFor()

      await row(page, 'goes.txt').hover()
      await page.getByRole('button', { name: 'Delete goes.txt' }).click()
      const asked = Date.now()
      expect(await storedNames(gateway)).toContain('goes.txt')
      await page.waitForResponse((r) => r.request().method() === 'DELETE')
      expect(Date.now() - asked).toBeGreaterThan(7000)
      expect(await storedNames(gateway)).toEqual(['stays.txt'])
    })

    it('deletes immediately when the page is left', async () => {
      await storeFile(gateway, textFile('goes.txt'))
      const page = await openConsole(browser, gateway.apiUrl)
      await row(page, 'goes.txt').hover()
      await page.getByRole('button', { name: 'Delete goes.txt' }).click()
      await page.goto('about:blank')
      await expect.poll(() => storedNames(gateway)).toEqual([])
    })

    it('copies a link that works', async () => {
      await storeFile(gateway, textFile('shared.txt', 'for whoever has the link'))
      const page = await openConsole(browser, gateway.apiUrl, { permissions: ['clipboard-read', 'clipboard-write'] })
      await row(page, 'shared.txt').hover()
      await page.getByRole('button', { name: 'Copy link to shared.txt' }).click()
      await page.getByText('Link copied. Anyone with the link can read the file for 1 hour.').waitFor()
      const link = await page.evaluate(() => navigator.clipboard.readText())
      expect(await (await fetch(link)).text()).toBe('for whoever has the link')
    })

    it('shows an image, a text and the details in the drawer', async () => {
      await storeFile(gateway, picture)
      const { key } = await storeFile(gateway, textFile('read me.txt', 'the beginning of the text'))
      const page = await openConsole(browser, gateway.apiUrl)
      await row(page, 'read me.txt').click()
      const drawer = page.getByRole('dialog', { name: 'read me.txt' })
      await drawer.getByText('the beginning of the text').waitFor()
      await drawer.getByRole('button', { name: 'Copy key' }).and(drawer.getByTitle(key)).waitFor()
      await page.keyboard.press('Escape')
      await row(page, picture.name).click()
      const preview = page.getByRole('img', { name: `Preview of ${picture.name}` })
      await preview.waitFor()
      expect(await preview.evaluate(async (img: HTMLImageElement) => (await img.decode(), img.naturalHeight))).toBe(240)
    })

    it('cancels a running upload and releases its reservation', async () => {
      const page = await openConsole(browser, gateway.apiUrl)
      await throttleUploads(page, 100_000)
      await choose(page, [textFile('long.txt', 'x'.repeat(2 ** 20))])
      await page
        .getByText(/^\d+ %/)
        .first()
        .waitFor()
      await page.getByRole('button', { name: 'Cancel long.txt' }).click()
      await page.getByText('canceled', { exact: true }).waitFor()
      await expect
        .poll(async () => (await (await fetch(`${gateway.apiUrl}/files/usage`)).json()) as unknown)
        .toMatchObject({ bytes: 0, reservedBytes: 0, reservedFiles: 0 })
      expect(await storedNames(gateway)).toEqual([])
    })
  })
}
