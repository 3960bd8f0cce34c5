/** The console with only the keyboard, on a phone, and in both color schemes. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { has } from './abilities.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import { choose, openConsole, overflow, row, storeFile, storedNames, textFile } from './console-page.ts'
import { limit } from '../fixtures/time-limit.ts'

const longName = `a-name-that-someone-exported-from-a-tool-which-adds-everything-it-knows-${'and-more-'.repeat(12)}end.txt`
const rightToLeft = 'تقرير الربع الثالث من العام ٢٠٢٦ النسخة النهائية.txt'

useBrowser()
useConsole(startGateway)

const focused = (page: Page): Promise<string> =>
  page.evaluate(() =>
    document.activeElement === document.body ? 'nothing' : (document.activeElement?.textContent ?? ''),
  )

describe('with only the keyboard', () => {
  it('uploads, finds, opens, deletes and undoes', async () => {
    for (const name of ['one.txt', 'two.txt', 'three.txt']) await storeFile(gateway, textFile(name))
    const page = await openConsole(browser, gateway.apiUrl)
    // Asked for before the page is waited for: the browser has to hear of it before the key is pressed.
    const chooser = page.waitForEvent('filechooser')
    await row(page, 'three.txt').waitFor()
    await page.keyboard.press('u')
    await (await chooser).setFiles([textFile('four.txt')])
    await row(page, 'four.txt').waitFor()

    await page.keyboard.press('/')
    await page.keyboard.type('t')
    await row(page, 'one.txt').waitFor({ state: 'attached' })
    await page.keyboard.type('hree')
    await row(page, 'one.txt').waitFor({ state: 'detached' })
    await row(page, 'three.txt').waitFor()
    await page.keyboard.press('Escape')
    await row(page, 'one.txt').waitFor()

    await tabTo(page, 'four.txt')
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => focused(page), { timeout: limit(5000) }).toContain('three.txt')
    await page.keyboard.press('Space')
    await page.getByRole('dialog', { name: 'Preview of three.txt' }).waitFor()
    await page.keyboard.press('ArrowRight')
    await page.getByRole('dialog', { name: 'Preview of two.txt' }).waitFor()
    await page.keyboard.press('Space')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expect.poll(() => focused(page), { timeout: limit(5000) }).toContain('three.txt')
    await page.keyboard.press('End')
    await expect.poll(() => focused(page), { timeout: limit(5000) }).toContain('one.txt')

    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'one.txt' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expect.poll(() => focused(page), { timeout: limit(5000) }).toContain('one.txt')

    await page.keyboard.press('Delete')
    await row(page, 'one.txt').waitFor({ state: 'detached' })
    await expect.poll(() => focused(page), { timeout: limit(5000) }).toContain('two.txt')
    await page.keyboard.press('Control+z')
    await row(page, 'one.txt').waitFor()
    expect(await storedNames(gateway)).toHaveLength(4)

    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Home')
    await page.keyboard.press('Enter')
    const drawer = page.getByRole('dialog', { name: 'four.txt' })
    await drawer.getByRole('button', { name: 'Delete' }).press('Enter')
    await row(page, 'four.txt').waitFor({ state: 'detached' })
    await expect.poll(() => focused(page), { timeout: limit(5000) }).toContain('three.txt')
    await page.keyboard.press('Control+z')
    await row(page, 'four.txt').waitFor()

    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('u')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  it('shows the focus', async () => {
    await storeFile(gateway, textFile('one.txt'))
    const page = await openConsole(browser, gateway.apiUrl)
    await row(page, 'one.txt').waitFor()
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab')
      const outline = await page.evaluate(() => {
        const here = document.activeElement
        if (!here || here === document.body) return 'body'
        return [getComputedStyle(here).outlineStyle, getComputedStyle(here, '::before').outlineStyle].join(' ')
      })
      expect(outline).toMatch(/solid|body/)
    }
  })
})

async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 30; i++) {
    if (
      (await focused(page)).includes(name) &&
      (await page.evaluate(() => document.activeElement?.className)) === 'file-open'
    )
      return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${name} cannot be reached by Tab`)
}

describe('on a phone', () => {
  it('fits in 390 pixels with long names, and every control is large enough to touch', async () => {
    for (const name of [longName, rightToLeft, 'short.txt']) await storeFile(gateway, textFile(name))
    const page = await openConsole(browser, gateway.apiUrl, {
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    })
    await row(page, longName).waitFor()
    expect(await overflow(page)).toBe(0)
    await choose(page, [textFile(`upload-${longName}`), { ...textFile('film.avi'), mimeType: 'video/x-msvideo' }])
    await page.getByRole('region', { name: 'Uploads' }).waitFor()
    expect(await overflow(page)).toBe(0)

    const small = await page.evaluate(() =>
      Array.from(document.querySelectorAll('button, input:not([hidden])'))
        .map((e) => ({ box: e.getBoundingClientRect(), label: e.getAttribute('aria-label') ?? e.textContent }))
        .filter(({ box }) => box.width > 0 && (box.height < 43.5 || box.width < 43.5))
        .map(({ label, box }) => `${label}: ${Math.round(box.width)} × ${Math.round(box.height)}`),
    )
    expect(has('touch') ? small : []).toEqual([])

    await row(page, rightToLeft).tap()
    const sheet = page.getByRole('dialog', { name: rightToLeft })
    await sheet.getByRole('button', { name: 'Delete' }).waitFor()
    expect(await overflow(page)).toBe(0)
    const bottom = async (): Promise<number> => {
      const { y, height } = (await sheet.boundingBox()) ?? { y: 0, height: 0 }
      return Math.round(y + height)
    }
    await expect.poll(bottom).toBe(844)
  })

  it('fits without files', async () => {
    const page = await openConsole(browser, gateway.apiUrl, {
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    })
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    expect(await overflow(page)).toBe(0)
  })
})

describe('colours', () => {
  const text = ['ink', 'quiet', 'accent', 'good', 'warn', 'bad']

  it.each(['light', 'dark'] as const)('follow the system (%s) and have the contrast', async (colorScheme) => {
    const page = await openConsole(browser, gateway.apiUrl, { colorScheme })
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    const paper = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    expect(luminance(channels(paper))).toBeCloseTo(colorScheme === 'light' ? 0.95 : 0.008, 1)
    const colour = (name: string): Promise<number[]> =>
      page.evaluate((n) => getComputedStyle(document.documentElement).getPropertyValue(`--${n}`), name).then(channels)
    for (const name of text)
      for (const ground of ['paper', 'raised'])
        expect(contrast(await colour(name), await colour(ground)), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5)
    expect(contrast(await colour('on-accent'), await colour('accent'))).toBeGreaterThanOrEqual(4.5)
    expect(contrast(await colour('edge'), await colour('paper'))).toBeGreaterThanOrEqual(3)
  })

  it('can be selected, and the selection persists', async () => {
    const page = await openConsole(browser, gateway.apiUrl, { colorScheme: 'light' })
    await page.getByRole('button', { name: 'Colours: system' }).click()
    await page.getByRole('button', { name: 'Colours: light' }).click()
    await page.reload()
    await page.getByRole('button', { name: 'Colours: dark' }).waitFor()
    const paper = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    expect(luminance(channels(paper))).toBeLessThan(0.05)
  })
})

/** `rgb(1, 2, 3)`, `#010203` or `#123`. */
function channels(colour: string): number[] {
  const hex = /#([0-9a-f]{3}$|[0-9a-f]{6}$)/i.exec(colour.trim())?.[1]?.replace(/^(.)(.)(.)$/, '$1$1$2$2$3$3')
  if (hex) return [0, 2, 4].map((i) => Number.parseInt(hex.slice(i, i + 2), 16))
  return (colour.match(/\d+/g) ?? []).slice(0, 3).map(Number)
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function luminance(rgb: number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((c) =>
    c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
  )
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: number[], b: number[]): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x)
  return (light + 0.05) / (dark + 0.05)
}
