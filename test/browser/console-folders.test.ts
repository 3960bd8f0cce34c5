/** Folders that are chosen or dropped. Their files keep their relative paths. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import { needs } from './abilities.ts'
import { openConsole, overflow, row } from './console-page.ts'
import { barriers } from './console-requests.ts'

useBrowser()
useConsole(startGateway)
let folder: string

/** Filenames and metadata in the server's list, by name. */
async function stored(): Promise<Record<string, unknown>> {
  const { files } = (await (await fetch(`${gateway.apiUrl}/files?limit=100`)).json()) as {
    files: { filename: string; metadata: Record<string, string> }[]
  }
  return Object.fromEntries(files.map(({ filename, metadata }) => [filename, metadata]))
}

async function drop(page: Page, paths: string[]): Promise<void> {
  needs('folder drops')
  const devtools = await page.context().newCDPSession(page)
  const data = { items: [], files: paths, dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await devtools.send('Input.dispatchDragEvent', { type, x: 300, y: 400, data })
}

beforeEach(async () => {
  folder = join(gateway.dir, 'photos')
  await mkdir(join(folder, '2026'), { recursive: true })
  await mkdir(join(folder, 'nothing in it'))
  await writeFile(join(folder, 'cover.txt'), 'cover')
  await writeFile(join(folder, '2026', 'a.txt'), 'a')
  await writeFile(join(folder, '2026', '.DS_Store'), 'litter')
})

const all = { 'cover.txt': { relativePath: 'photos/cover.txt' }, 'a.txt': { relativePath: 'photos/2026/a.txt' } }

describe('a folder', () => {
  it('can be chosen, and appears in the list, the drawer and the dock', async () => {
    needs('folders')
    const page = await openConsole(browser, gateway.apiUrl)
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    const chooser = page.waitForEvent('filechooser')
    await page.keyboard.press('Shift+U')
    await (await chooser).setFiles(folder)
    const dock = page.getByRole('region', { name: 'Uploads' })
    await dock.getByTitle('photos/2026/a.txt').waitFor()
    await row(page, 'photos/2026/a.txt').waitFor()
    await row(page, 'photos/cover.txt').waitFor()
    expect(await stored()).toEqual(all)
    expect(await row(page, 'photos/2026/a.txt').locator('.file-open').innerText()).toMatch(/photos\/2026\s*\/\s*a\.txt/)

    await row(page, 'photos/2026/a.txt').click()
    const drawer = page.getByRole('dialog', { name: 'a.txt' })
    await drawer.getByText('photos/2026', { exact: true }).waitFor()
    expect(await barriers(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: 390, height: 844 })
    await row(page, 'photos/2026/a.txt').getByText('photos/2026', { exact: true }).last().waitFor()
    expect(await overflow(page)).toBe(0)
  })

  it('can be dropped together with a file that has no path', async () => {
    await writeFile(join(gateway.dir, 'alone.txt'), 'alone')
    const page = await openConsole(browser, gateway.apiUrl)
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    await drop(page, [folder, join(gateway.dir, 'alone.txt')])
    await row(page, 'alone.txt').waitFor()
    await row(page, 'photos/2026/a.txt').waitFor()
    await row(page, 'photos/cover.txt').waitFor()
    expect(await stored()).toEqual({ ...all, 'alone.txt': {} })
  })

  it('is reported if it is empty', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    await drop(page, [join(folder, 'nothing in it')])
    await page.getByText('The folder is empty. There is nothing to upload.').waitFor()
    expect(await stored()).toEqual({})
  })
})
