/** The drawer of a file: its link, name, metadata, QR code and URL. */
import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { landscape, scenes } from '../fixtures/sample-image.ts'
import { has } from './abilities.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import { openConsole, row, storeFile, storedNames, textFile } from './console-page.ts'

useBrowser()
useConsole(startGateway)
let id: string

const record = async (): Promise<Record<string, unknown>> =>
  (await (await fetch(`${gateway.apiUrl}/files/${id}`)).json()) as Record<string, unknown>

beforeEach(async () => {
  id = (await storeFile(gateway, textFile('minutes of may.txt', 'what was said'))).id
})

/** A headless shell has no PDF viewer. The console then offers a tab instead of a frame that would stay empty. */
async function previewPdf(page: Page): Promise<void> {
  if (!(await page.evaluate(() => navigator.pdfViewerEnabled))) {
    await page.getByRole('button', { name: 'Open in a new tab' }).waitFor()
    return
  }
  await page.locator('iframe[title="Preview of lease.pdf"][src^="blob:"]').waitFor()
  if (!has('tabs')) return
  const tab = page.waitForEvent('popup')
  await page.getByRole('button', { name: 'Open', exact: true }).click()
  await (await tab).waitForURL(/^blob:/)
}

/** A PDF of one empty page, with the offsets of its objects, because Firefox reports a file that it has to repair. */
function emptyPage(): Buffer {
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>',
  ]
  let text = '%PDF-1.4\n'
  let table = '0000000000 65535 f \n'
  for (const [i, object] of objects.entries()) {
    table += `${String(text.length).padStart(10, '0')} 00000 n \n`
    text += `${i + 1} 0 obj${object}endobj\n`
  }
  const size = objects.length + 1
  return Buffer.from(
    `${text}xref\n0 ${size}\n${table}trailer<</Size ${size}/Root 1 0 R>>\nstartxref\n${text.length}\n%%EOF\n`,
  )
}

describe('the drawer', () => {
  it('has a URL that opens it, and follows the browser’s history', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    await row(page, 'minutes of may.txt').click()
    await page.getByRole('dialog', { name: 'minutes of may.txt' }).waitFor()
    expect(new URL(page.url()).hash).toBe(`#/files/${id}`)
    await page.evaluate(() => history.back())
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.evaluate(() => history.forward())
    await page.getByRole('dialog', { name: 'minutes of may.txt' }).waitFor()
    await page.reload()
    await page.getByRole('dialog', { name: 'minutes of may.txt' }).getByText('what was said').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(new URL(page.url()).hash).toBe('#/files')
    await page.goto(`${gateway.apiUrl}/#/files/not-a-file`)
    await page.getByRole('heading', { name: 'Could not show this file' }).waitFor()
  })

  it('renames a file without selecting the extension, and explains why a name is rejected', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    await row(page, 'minutes of may.txt').click()
    await page.getByRole('button', { name: 'Rename' }).click()
    const field = page.getByRole('textbox', { name: 'Filename' })
    await page.keyboard.type('minutes of june')
    expect(await field.inputValue()).toBe('minutes of june.txt')
    await page.keyboard.press('Enter')
    await page.getByText('Renamed.').waitFor()
    expect(await record()).toMatchObject({ filename: 'minutes of june.txt' })
    await page.getByRole('button', { name: 'Rename' }).click()
    await field.fill('n'.repeat(2000))
    await page.keyboard.press('Enter')
    await expect.poll(() => page.getByRole('dialog').getByRole('alert').first().textContent()).toMatch(/filename/)
    await page.keyboard.press('Escape')
    // Only the field is left by it.
    await page.getByRole('dialog', { name: 'minutes of june.txt' }).waitFor()
    await page.keyboard.press('Escape')
    await row(page, 'minutes of june.txt').waitFor()
  })

  it('adds, edits and removes metadata', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    await row(page, 'minutes of may.txt').click()
    await page.getByRole('button', { name: 'Add metadata' }).click()
    await page.getByRole('textbox', { name: 'Name 1' }).fill('album')
    await page.getByRole('textbox', { name: 'Value of album' }).fill('2026')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Metadata saved.').first().waitFor()
    expect(await record()).toMatchObject({ metadata: { album: '2026' } })
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('textbox', { name: 'Name 1' }).fill('an album')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText(/metadata is not valid/).waitFor()
    await page.getByRole('button', { name: 'Remove an album' }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    await expect.poll(record).toMatchObject({ metadata: {} })
  })

  it('copies a link that expires after the selected time', async () => {
    const page = await openConsole(browser, gateway.apiUrl, { permissions: ['clipboard-read', 'clipboard-write'] })
    await row(page, 'minutes of may.txt').click()
    await page.getByRole('combobox', { name: 'The link works for' }).selectOption('300')
    await page.getByRole('button', { name: 'Copy link', exact: true }).click()
    await page.getByText('Link copied. Anyone with the link can read the file for 5 minutes.').waitFor()
    const link = await page.evaluate(() => navigator.clipboard.readText())
    expect(new URL(link).searchParams.get('X-Amz-Expires')).toBe('300')
    expect(await (await fetch(link)).text()).toBe('what was said')
  })

  it('previews a PDF and an image', async () => {
    await storeFile(gateway, { name: 'dusk.png', mimeType: 'image/png', buffer: landscape(64, 48, scenes.dusk) })
    await storeFile(gateway, { name: 'lease.pdf', mimeType: 'application/pdf', buffer: emptyPage() })
    const page = await openConsole(browser, gateway.apiUrl)
    await row(page, 'lease.pdf').click()
    await previewPdf(page)
    await page.keyboard.press('Escape')
    await row(page, 'dusk.png').locator('.file-open').focus()
    await page.keyboard.press('Space')
    const look = page.getByRole('dialog', { name: 'Preview of dusk.png' })
    await look.getByRole('img').waitFor()
    await look.getByRole('button', { name: 'Details' }).click()
    await page.getByRole('dialog', { name: 'dusk.png', exact: true }).waitFor()
    expect(await storedNames(gateway)).toHaveLength(3)
  })
})
