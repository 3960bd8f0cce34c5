/** The console's views of unfinished uploads and settings in a real browser, and axe-core on all views. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { signToken, startGateway } from '../fixtures/gateway.ts'
import { openConsole, overflow, storedNames } from './console-page.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import { barriers, grant, send, sendParts } from './console-requests.ts'
import { limit } from '../fixtures/time-limit.ts'

useBrowser()
useConsole((settings, o) =>
  startGateway(
    { ...settings, uploads: { partSize: '5MiB' }, storage: { s3: { secretAccessKey: 'hidden-secret' } } },
    o,
  ),
)

const mebibyte = 2 ** 20
const patient = { timeout: limit(15_000) }

async function openView(view: string, o: Parameters<typeof openConsole>[2] = {}): Promise<Page> {
  const page = await openConsole(browser, gateway.apiUrl, o)
  await page.goto(`${gateway.apiUrl}/#/${view}`)
  await page
    .getByRole('heading', { level: 1 })
    .filter({ hasText: new RegExp(view, 'i') })
    .waitFor()
  return page
}

const row = (page: Page, name: string) =>
  page.getByRole('list', { name: 'Unfinished uploads' }).getByRole('listitem').filter({ hasText: name })

describe('unfinished uploads', () => {
  it('show what each one lacks, and can be confirmed, completed or deleted', async () => {
    await grant(gateway, { filename: 'never.txt' })
    await send(await grant(gateway, { filename: 'stored.txt' }), 'twelve bytes')
    await sendParts(gateway, { filename: 'film.mp4', size: 22 * mebibyte, parts: [1, 3] })
    await sendParts(gateway, { filename: 'whole.mp4', size: 6 * mebibyte, parts: [1, 2] })
    const page = await openView('uploads')
    await row(page, 'never.txt').getByText('No data received').waitFor()
    await row(page, 'film.mp4').getByText('2 of 5 parts stored, 10 MiB of 22 MiB. Missing: 2, 4–5.').waitFor()
    await row(page, 'film.mp4').getByRole('img', { name: 'Parts of film.mp4: 2 of 5 stored' }).waitFor()
    await row(page, 'stored.txt').getByRole('button', { name: 'Confirm' }).click()
    await row(page, 'stored.txt').waitFor({ state: 'detached' })
    await row(page, 'whole.mp4').getByRole('button', { name: 'Complete' }).click()
    await row(page, 'whole.mp4').waitFor({ state: 'detached' })
    expect((await storedNames(gateway)).filter((name) => /stored|whole/.test(name))).toHaveLength(2)

    const abort = row(page, 'film.mp4').getByRole('button', { name: 'Abort' })
    await abort.click()
    await row(page, 'film.mp4').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await abort.click()
    await row(page, 'film.mp4').waitFor({ state: 'detached' })
    await page.goto('about:blank')
    await expect.poll(() => storedNames(gateway), patient).not.toContain('film.mp4')
  })

  it('offer a command that sends the bytes', async () => {
    const { id } = await grant(gateway, { filename: "it's.txt", size: 12 })
    const page = await openView('uploads')
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await row(page, "it's.txt").getByRole('button', { name: 'Copy as curl' }).click()
    await page.getByText('Command copied').waitFor()
    const command = await page.evaluate(() => navigator.clipboard.readText())
    expect(command).toContain(String.raw`curl -T 'it'\''s.txt'`)
    const uploadUrl = /'(http[^']+)'/.exec(command)![1]!
    const headers = Object.fromEntries([...command.matchAll(/-H '([^:]+): ([^']*)'/g)].map(([, n, v]) => [n!, v!]))
    expect(await send({ uploadUrl, headers }, 'twelve bytes')).toBe(200)
    await page.getByRole('button', { name: 'Refresh' }).click()
    await row(page, "it's.txt").getByText('12 B stored').waitFor()
    expect(id).not.toBe('')
  })

  it('continue after an earlier visit once the file is chosen again', async () => {
    const file = join(gateway.dir, 'long.mp4')
    await writeFile(file, Buffer.alloc(18 * mebibyte, 'film'))
    const page = await openView('uploads')
    await page.route(/partNumber=3/, () => {})
    await page.getByLabel('Files to upload').setInputFiles(file)
    await row(page, 'long.mp4').waitFor()
    await expect
      .poll(async () => {
        const answer = await fetch(`${gateway.apiUrl}/console/uploads?progress=true`)
        const { uploads } = (await answer.json()) as { uploads: { storedParts?: number }[] }
        return uploads[0]?.storedParts
      }, patient)
      .toBe(2)
    page.on('dialog', (dialog) => void dialog.accept())
    await page.reload()
    await row(page, 'long.mp4').getByText('2 of 3 parts stored').waitFor()
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    const chooser = page.waitForEvent('filechooser')
    await row(page, 'long.mp4').getByRole('button', { name: 'Choose file to resume' }).click()
    await (await chooser).setFiles(file)
    await page.getByRole('heading', { name: 'No unfinished uploads' }).waitFor()
    expect(await storedNames(gateway)).toContain('long.mp4')
  })
})

describe('settings', () => {
  it('can be found by key, value or purpose, explain how to change them, and mask secrets', async () => {
    const page = await openView('settings')
    const filter = page.getByRole('searchbox', { name: /Filter by key/ })
    await filter.fill('part size of multipart')
    const found = page.locator('.setting')
    await expect.poll(() => found.count()).toBe(1)
    await page.getByRole('button', { name: 'uploads.partSize', exact: true }).click()
    await page.getByRole('button', { name: 'Copy variable POSTERN_UPLOADS_PART_SIZE' }).waitFor()
    await filter.fill('secretAccessKey')
    await page.getByRole('cell', { name: '********' }).waitFor()
    await page.getByText('masked').waitFor()
    expect(await page.content()).not.toContain('hidden-secret')
    await filter.fill('no such key')
    await page.getByRole('heading', { name: 'No matching setting' }).waitFor()
  })

  it('are for administrators only, and tell other users how to get access', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    const token = await signToken('alice')
    await page.evaluate((value) => sessionStorage.setItem('postern.token', value), token)
    await page.goto(`${gateway.apiUrl}/?alice#/settings`)
    await page.getByRole('heading', { name: 'For administrators' }).waitFor()
    expect(await page.getByRole('button', { name: 'Copy line auth: { admins: ["alice"] }' }).count()).toBe(1)
  })
})

describe.each([
  { width: 1440, colorScheme: 'light' },
  { width: 820, colorScheme: 'dark' },
  { width: 390, colorScheme: 'dark' },
] as const)('at $width px, $colorScheme', ({ width, colorScheme }) => {
  it('passes axe-core, without horizontal scrolling', async () => {
    await sendParts(gateway, { filename: 'film.mp4', size: 12 * mebibyte, parts: [2] })
    await send(await grant(gateway), 'x', { 'content-type': 'image/png' })
    const page = await openView('uploads', { viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' })
    await row(page, 'film.mp4').waitFor()
    const found = {
      uploads: await barriers(page),
      log: [] as string[],
      reason: [] as string[],
      settings: [] as string[],
    }
    expect(await overflow(page)).toBe(0)
    await page.goto(`${gateway.apiUrl}/#/log`)
    await page.locator('.request[data-outcome="refused"]').first().waitFor()
    found.log = await barriers(page)
    expect(await overflow(page)).toBe(0)
    await page.locator('.request[data-outcome="refused"] a').first().click()
    await page.getByText('First difference').waitFor()
    found.reason = await barriers(page)
    expect(await overflow(page)).toBe(0)
    await page.goto(`${gateway.apiUrl}/#/settings`)
    await page.getByRole('button', { name: 'uploads.partSize', exact: true }).click()
    found.settings = await barriers(page)
    expect(await overflow(page)).toBe(0)
    expect(found).toEqual({ uploads: [], log: [], reason: [], settings: [] })
  })
})
