/** The dock: progress of parts, pause and resume, resuming after a reload, and waiting for the network. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import { choose, openConsole, row, sha256, storedNames, textFile } from './console-page.ts'
import { throttleUploads } from './throttle.ts'
import { limit } from '../fixtures/time-limit.ts'

const MiB = 2 ** 20
const patient = { timeout: limit(60_000) }
/** Eight parts: four are under way at a time, and end at about the same time. */
const film = Buffer.concat([Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isomiso2', 'latin1'), randomBytes(57 * MiB)])

useBrowser()
useConsole(startGateway)
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-console-'))
  await writeFile(join(folder, 'film.mp4'), film)
  return () => rm(folder, { recursive: true, force: true })
})

const input = 'input[aria-label="Files to upload"]'
const cells = (page: Page, state: string): Locator => page.locator(`.part-map i[data-state="${state}"]`)
const stored = (page: Page): Promise<number> => cells(page, 'stored').count()

describe('an upload in parts', () => {
  it('shows its parts, pauses and resumes', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    await throttleUploads(page, 8 * MiB)
    await page.setInputFiles(input, join(folder, 'film.mp4'))
    await expect.poll(() => page.locator('.part-map i').count(), patient).toBe(8)
    await expect.poll(() => cells(page, 'sending').count(), patient).toBeGreaterThan(0)
    await expect.poll(() => stored(page), patient).toBeGreaterThan(0)

    await page.getByRole('button', { name: 'Pause film.mp4' }).click()
    await page.getByText('paused', { exact: true }).waitFor()
    const atPause = await stored(page)
    expect(atPause).toBeLessThan(8)
    await page.waitForTimeout(500)
    expect(await stored(page)).toBe(atPause)
    expect(await cells(page, 'sending').count()).toBe(0)

    await page.getByRole('button', { name: 'Resume film.mp4' }).click()
    await page.getByText('done', { exact: true }).waitFor(patient)
    await row(page, 'film.mp4').waitFor()
    const { files } = (await (await fetch(`${gateway.apiUrl}/files`)).json()) as { files: { id: string }[] }
    const content = await fetch(`${gateway.apiUrl}/files/${files[0]?.id}/content`)
    expect(sha256(new Uint8Array(await content.arrayBuffer()))).toBe(sha256(film))
  })

  it('resumes after a reload, and sends only the missing parts', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    page.on('dialog', (dialog) => void dialog.accept())
    await throttleUploads(page, 8 * MiB)
    await page.setInputFiles(input, join(folder, 'film.mp4'))
    await expect.poll(() => stored(page), patient).toBeGreaterThan(1)
    await page.reload()
    await page.getByText('choose the file again to resume').waitFor()
    expect(await storedNames(gateway)).toEqual(['film.mp4'])
    expect(await row(page, 'film.mp4').count()).toBe(0)

    const puts: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'PUT') puts.push(request.url())
    })
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Choose film.mp4 again' }).click()
    await (await chooser).setFiles(join(folder, 'film.mp4'))
    await row(page, 'film.mp4').waitFor(patient)
    expect(puts.length).toBeGreaterThan(0)
    expect(puts.length).toBeLessThan(8)
  })

  it('waits for the network, shows that, and continues automatically', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    const setOffline = await throttleUploads(page, 8 * MiB)
    await page.setInputFiles(input, join(folder, 'film.mp4'))
    // The first four parts: the others find no network, whatever becomes of these.
    await expect.poll(() => cells(page, 'sending').count(), patient).toBeGreaterThan(0)
    await setOffline(true)
    await page.getByText('waiting for network', { exact: true }).waitFor(patient)
    await page.getByText('1 waiting for network').waitFor()
    await setOffline(false)
    await row(page, 'film.mp4').waitFor(patient)
  })
})

describe('the summary of the dock', () => {
  it('collapses and expands, pauses and cancels all uploads, and disappears afterwards', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    await throttleUploads(page, 100_000)
    await choose(
      page,
      [1, 2, 3, 4, 5].map((n) => textFile(`${n}.txt`, 'x'.repeat(200_000))),
    )
    const dock = page.getByRole('region', { name: 'Uploads' })
    await dock.getByText(/waiting in the queue/).waitFor()
    await dock.getByRole('button', { name: /^Uploading 5 files/ }).click()
    expect(await dock.getByRole('listitem').count()).toBe(0)
    await dock.getByRole('button', { name: /^Uploading/ }).click()
    await dock.getByRole('button', { name: 'Pause all' }).click()
    await dock.getByText(/^5 uploads paused/).waitFor()
    await dock.getByRole('button', { name: 'Resume all' }).click()
    await dock.getByText(/^Uploading 5 files/).waitFor()
    await dock.getByRole('button', { name: 'Cancel all' }).click()
    await dock.getByText('5 canceled').waitFor()
    await dock.waitFor({ state: 'detached', timeout: limit(10_000) })
    await expect
      .poll(async () => (await (await fetch(`${gateway.apiUrl}/files/usage`)).json()) as unknown)
      .toMatchObject({ reservedBytes: 0, reservedFiles: 0 })
  })

  it('makes files public that are added as public', async () => {
    await fetch(`${gateway.apiUrl}/files`)
    const page = await openConsole(browser, gateway.apiUrl)
    await choose(page, [textFile('first.txt')])
    await row(page, 'first.txt').getByText('private').waitFor()
    await page.getByRole('combobox', { name: 'Who may read new files' }).selectOption('public')
    await choose(page, [textFile('second.txt', 'for everyone')])
    await row(page, 'second.txt').getByText('public').waitFor()
    await row(page, 'second.txt').click()
    const url = await page.getByRole('button', { name: /^Copy public URL/ }).getAttribute('title')
    expect(await (await fetch(String(url))).text()).toBe('for everyone')
  })
})
