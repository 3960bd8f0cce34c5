/** The console with many files: search, virtual lists and concurrent uploads. */
import type { Request } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { has } from './abilities.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import { measure } from './main-thread.ts'
import { openConsole, row, storeFile, storedNames, textFile } from './console-page.ts'
import { limit } from '../fixtures/time-limit.ts'

useBrowser()
useConsole((overrides, o) =>
  startGateway({ ...overrides, log: { level: 'silent' }, limits: { issuePerMinute: 100_000 } }, o),
)

const name = (i: number): string => `file ${String(i).padStart(3, '0')}.txt`

describe('a long list', { timeout: limit(180_000) }, () => {
  it('renders only rows near the viewport, while keys and search reach all files', async () => {
    for (let i = 0; i < 230; i += 10)
      await Promise.all(Array.from({ length: 10 }, (_, n) => storeFile(gateway, textFile(name(i + n)))))
    const page = await openConsole(browser, gateway.apiUrl)
    await page.getByText('100 files and more').waitFor()
    const drawn = (): Promise<number> => page.locator('li.file').count()
    expect(await drawn()).toBeLessThan(60)

    // To the end, and on as pages come in.
    await page.locator('.file-open').first().focus()
    await expect
      .poll(
        async () => {
          await page.keyboard.press('End')
          return page.locator('li.file').last().getAttribute('aria-posinset')
        },
        { timeout: limit(20_000) },
      )
      .toBe('230')
    expect(await drawn()).toBeLessThan(60)
    const focused = page.locator('.file-open:focus')
    expect(await focused.count()).toBe(1)
    await page.keyboard.press('Home')
    await expect.poll(() => page.evaluate(() => scrollY)).toBeLessThan(100)
    expect(await focused.count()).toBe(1)

    await page.getByRole('searchbox').fill('FILE 03')
    await page.getByText('10 files found').waitFor()
    await page.getByRole('searchbox').fill('100%')
    await page.getByText('No file has 100% in its name.').waitFor()
    expect(page.url()).toContain('#/files?q=100%25')
    await page.reload()
    await page.getByText('No file has 100% in its name.').waitFor()
  })

  it('renders only tiles near the viewport', async () => {
    for (let i = 0; i < 90; i += 10)
      await Promise.all(Array.from({ length: 10 }, (_, n) => storeFile(gateway, textFile(name(i + n)))))
    const page = await openConsole(browser, gateway.apiUrl)
    await row(page, name(89)).waitFor()
    await page.getByRole('button', { name: 'Grid' }).click()
    await expect.poll(() => page.locator('.files.grid li.file').count()).toBeLessThan(60)
    await page.locator('.file-open').first().focus()
    const at = (): Promise<string | null> =>
      page.evaluate(() => document.activeElement?.closest('li')?.getAttribute('aria-posinset') ?? null)
    await page.keyboard.press('ArrowRight')
    expect(await at()).toBe('2')
    await page.keyboard.press('ArrowDown')
    expect(Number(await at())).toBeGreaterThan(4)
    await page.keyboard.press('End')
    await expect.poll(at).toBe('90')
    await page.reload()
    await page.locator('.files.grid').waitFor()
  })
})

describe('two hundred files in one drop', { timeout: limit(180_000) }, () => {
  it('are uploaded over at most four sockets, without long tasks and with a flat heap', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    let [now, most] = [0, 0]
    const isPut = (request: Request): boolean => request.method() === 'PUT'
    page.on('request', (request) => {
      if (isPut(request)) most = Math.max(most, ++now)
    })
    const ended = (request: Request): void => void (isPut(request) && now--)
    page.on('requestfinished', ended)
    page.on('requestfailed', ended)

    const measured = has('measurements') ? await measure(page) : undefined
    const before = await measured?.heap()
    await page.evaluate(() => {
      const dropped = new DataTransfer()
      const content = new Blob([new Uint8Array(1_000_000).fill(97)])
      for (let i = 0; i < 200; i++) dropped.items.add(new File([content], `dropped ${i}.txt`, { type: 'text/plain' }))
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }))
    })
    await page
      .getByRole('region', { name: 'Uploads' })
      .getByText('200 files uploaded')
      .waitFor({ timeout: limit(150_000) })
    const tasks = await measured?.tasks()
    const after = await measured?.heap()
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(4)
    await page.getByText('200 files', { exact: true }).waitFor()
    expect(await storedNames(gateway)).toHaveLength(100)
    if (!tasks) return
    expect(tasks.length).toBeGreaterThan(0)
    expect(tasks[0]).toBeLessThan(100)
    expect(after! - before!).toBeLessThan(20e6)
  })
})
