/** Accessibility: axe-core on every view and state, and navigation with only the keyboard. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { landscape, scenes } from '../fixtures/sample-image.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import { choose, openConsole, row, storeFile, textFile } from './console-page.ts'
import { barriers } from './console-requests.ts'
import { throttleUploads } from './throttle.ts'
import { limit } from '../fixtures/time-limit.ts'

useBrowser()
useConsole(startGateway)

const still = (page: Page): Promise<void> => page.emulateMedia({ reducedMotion: 'reduce' })

describe.each(['light', 'dark'] as const)(
  'axe-core finds nothing serious, %s',
  { timeout: limit(180_000) },
  (colorScheme) => {
    it('on a first visit, in the list, the grid, the drawer, the quick look and the dialogs', async () => {
      const page = await openConsole(browser, gateway.apiUrl, { colorScheme })
      await still(page)
      await page.getByRole('heading', { name: 'No files yet' }).waitFor()
      expect(await barriers(page)).toEqual([])

      await storeFile(gateway, { name: 'dusk.png', mimeType: 'image/png', buffer: landscape(64, 48, scenes.dusk) })
      for (const name of ['one.txt', 'تقرير.txt', 'three.txt']) await storeFile(gateway, textFile(name))
      await page.reload()
      await row(page, 'one.txt').waitFor()
      await row(page, 'one.txt').locator('.file-open').focus()
      expect(await barriers(page)).toEqual([])
      await page.keyboard.press('Space')
      await page.getByRole('dialog').getByText('hello').waitFor()
      expect(await barriers(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'QR code' }).click()
      await page.getByRole('button', { name: 'Add metadata' }).click()
      await page.getByRole('img', { name: /^QR code/ }).waitFor()
      expect(await barriers(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
      expect(await barriers(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Code for this server' }).click()
      expect(await barriers(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Grid' }).click()
      await page.locator('.files.grid').waitFor()
      expect(await barriers(page)).toEqual([])
      await page.getByRole('searchbox').fill('nothing has this name')
      await page.getByRole('heading', { name: 'Nothing found' }).waitFor()
      expect(await barriers(page)).toEqual([])
    })

    it('while files are dragged, uploaded and refused, after a delete, and when the server fails', async () => {
      await storeFile(gateway, textFile('goes.txt'))
      const page = await openConsole(browser, gateway.apiUrl, { colorScheme })
      await still(page)
      await throttleUploads(page, 200_000)
      await row(page, 'goes.txt').hover()
      await page.getByRole('button', { name: 'Delete goes.txt' }).click()
      await choose(page, [
        { ...textFile('setup.exe'), mimeType: 'application/x-msdownload' },
        textFile('long.txt', 'x'.repeat(2 ** 20)),
      ])
      await page.getByRole('progressbar', { name: 'Upload of long.txt' }).waitFor()
      await page
        .getByText(/application\/x-msdownload is not allowed/)
        .first()
        .waitFor()
      expect(await barriers(page)).toEqual([])
      await page.evaluate(() => {
        const dragged = new DataTransfer()
        dragged.items.add(new File(['a'], 'a.avi', { type: 'application/x-thing' }))
        document.body.dispatchEvent(new DragEvent('dragenter', { dataTransfer: dragged, bubbles: true }))
      })
      await page.getByText('application/x-thing is not allowed here').waitFor()
      expect(await barriers(page)).toEqual([])

      const failing = await openConsole(browser, gateway.apiUrl, { colorScheme })
      await failing.route('**/files?**', (route) => route.fulfill({ status: 500, body: '' }))
      await failing.reload()
      await failing.getByRole('heading', { name: 'Could not load the files' }).waitFor()
      expect(await barriers(failing)).toEqual([])
    })
  },
)

describe('with only the keyboard', () => {
  it('Tab reaches every control in reading order, and a dialog traps the focus', async () => {
    for (const name of ['one.txt', 'two.txt', 'three.txt']) await storeFile(gateway, textFile(name))
    const page = await openConsole(browser, gateway.apiUrl)
    await row(page, 'one.txt').waitFor()
    // It comes with the server's status.
    await page.getByLabel('Who may read new files').waitFor()
    const here = (): Promise<string> =>
      page.evaluate(() => {
        const { activeElement: e } = document
        return e === document.body ? 'page' : (e?.getAttribute('aria-label') ?? e?.textContent ?? '').trim()
      })
    const walked: string[] = []
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      const at = await here()
      if (at === 'page') break
      walked.push(at)
    }
    const order = [
      'Postern, the list of files',
      'Search names',
      'Code for this server',
      'Keys',
      'Colours: system',
      'Upload',
      'Files',
      'Uploads',
      'Log',
      'Settings',
      'Who may read new files',
      'Table',
      'Grid',
      'Download three.txt',
      'Copy link to three.txt',
      'Delete three.txt',
    ]
    expect(walked.filter((name) => order.includes(name))).toEqual(order)
    // One stop for the list: arrow keys lead to the others.
    expect(walked.some((name) => name.includes('one.txt'))).toBe(false)

    await page.locator('.file-open').first().focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    for (let i = 0; i < 25; i++) {
      await page.keyboard.press('Tab')
      const isInside = await page.evaluate(
        () => document.activeElement === document.body || document.activeElement?.closest('dialog') !== null,
      )
      expect(isInside).toBe(true)
    }
    await page.keyboard.press('Escape')
    await expect.poll(here, { timeout: limit(5000) }).toContain('three.txt')
  })
})
