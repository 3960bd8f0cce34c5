/** `/console/uppy`: real Uppy with the console's Content-Security-Policy, with only the keyboard, and axe-core. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { launchBrowser } from '../fixtures/browsers.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { watchFaults } from './page-faults.ts'
import { throttleUploads } from './throttle.ts'
import { followedDigest, sampleFile } from '../fixtures/run-example.ts'
import { limit } from '../fixtures/time-limit.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describe('/console/uppy', () => {
  let gateway: RunningGateway
  let browser: Browser
  beforeAll(async () => {
    gateway = await startGateway({}, { dev: true })
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await gateway?.close()
  })

  async function open(): Promise<Page> {
    const page = await browser.newPage()
    page.setDefaultTimeout(60_000)
    const faults = watchFaults(
      page,
      (message) => message.type() === 'error' && !/status of 4\d\d|^\[Uppy\]/.test(message.text()),
    )
    onTestFinished(async () => {
      await page.close()
      expect(faults).toEqual([])
    })
    await page.goto(`${gateway.apiUrl}/console/uppy`)
    await page.getByLabel('Code that runs').filter({ hasText: 'uppyOptions' }).waitFor()
    return page
  }

  const row = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name })

  async function seriousViolations(page: Page): Promise<string[]> {
    await page.evaluate(axe)
    const { violations } = (await page.evaluate('axe.run()')) as {
      violations: { id: string; impact: string; nodes: { html: string }[] }[]
    }
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  }

  it.for([
    { major: 4, way: 'options from postern/client' },
    { major: 5, way: 'options from postern/client' },
    { major: 6, way: 'options from postern/client' },
    { major: 4, way: "the server's URL" },
    { major: 5, way: "the server's URL" },
    { major: 6, way: "the server's URL" },
  ])('Uppy $major with $way: uploads a small file and one in parts, and links to both', async ({ major, way }) => {
    const page = await open()
    await page.getByLabel(`Uppy ${major}`).check()
    await page.getByLabel(way).check()
    const files = {
      single: await sampleFile('small é (1).txt', 20_000),
      parts: await sampleFile('large.txt', 11 * 2 ** 20),
    }
    for (const [shape, file] of [
      ['in one request', files.single],
      ['in parts of 5 MiB', files.parts],
    ] as const) {
      await page.getByLabel(shape).check()
      await page.getByLabel('Files').setInputFiles(file.path)
      await page.getByRole('button', { name: 'Upload' }).click()
      const href = await page.getByRole('link', { name: file.name }).getAttribute('href')
      expect(await followedDigest(page, href!)).toBe(file.sha256)
      expect(await row(page, file.name).textContent()).toMatch(/confirmed, .* text\/plain/)
    }
  })

  it('works with only the keyboard', async () => {
    const page = await open()
    const file = await sampleFile('keyboard.txt', 20_000)
    page.on('filechooser', (chooser) => void chooser.setFiles(file.path))
    const focused = () => page.evaluate(() => document.activeElement?.outerHTML.replace(/>.*/s, '>') ?? '')
    const tabTo = async (what: RegExp): Promise<void> => {
      for (let steps = 0; steps < 12 && !what.test(await focused()); steps++) await page.keyboard.press('Tab')
      expect(await focused()).toMatch(what)
    }
    await tabTo(/name="major"/)
    await page.keyboard.press('ArrowUp')
    expect(await page.getByLabel('Uppy 5').isChecked()).toBe(true)
    await tabTo(/type="file"/)
    await page.keyboard.press('Space')
    await expect.poll(() => page.getByLabel('Files').inputValue()).toContain('keyboard.txt')
    await tabTo(/type="submit"/)
    await page.keyboard.press('Enter')
    await page.getByRole('status').filter({ hasText: 'keyboard.txt uploaded' }).waitFor()
    await tabTo(/<a [^>]*class="name"/)
  })

  it.for([4, 5, 6])('Uppy %i: pauses, resumes, and leaves nothing after a cancel', async (major) => {
    const page = await open()
    await throttleUploads(page, 2 * 2 ** 20)
    await page.getByLabel(`Uppy ${major}`).check()
    await page.getByLabel('in parts of 5 MiB').check()
    const name = `canceled-${major}.txt`
    await page.getByLabel('Files').setInputFiles((await sampleFile(name, 30 * 2 ** 20)).path)
    await page.getByRole('button', { name: 'Upload' }).click()
    await row(page, name)
      .filter({ hasText: /uploading, [1-9]/ })
      .waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await row(page, name).filter({ hasText: 'canceled' }).waitFor()
    const reserved = async () =>
      ((await (await fetch(`${gateway.apiUrl}/files/usage`)).json()) as { reservedBytes: number }).reservedBytes
    await expect.poll(reserved, { timeout: limit(15_000) }).toBe(0)
    expect(await page.getByRole('button', { name: 'Cancel' }).isDisabled()).toBe(true)
  })

  it.for(['light', 'dark'] as const)('has nothing serious that axe objects to, %s', async (colorScheme) => {
    const page = await open()
    await page.emulateMedia({ colorScheme })
    expect(await seriousViolations(page)).toEqual([])
    const files = await Promise.all([sampleFile('shown.txt', 20_000), sampleFile('refused.exe', 2)])
    await page.getByLabel('Files').setInputFiles(files.map(({ path }) => path))
    await page.getByRole('button', { name: 'Upload' }).click()
    await page.getByRole('link', { name: 'shown.txt' }).waitFor()
    await row(page, 'refused.exe').filter({ hasText: 'is not allowed here' }).waitFor()
    expect(await seriousViolations(page)).toEqual([])
  })

  it('does not load Uppy in the page of the console', async () => {
    const page = await browser.newPage()
    const scripts: string[] = []
    page.on('response', async (response) => {
      if (response.url().endsWith('.js')) scripts.push(await response.text())
    })
    await page.goto(gateway.apiUrl, { waitUntil: 'networkidle' })
    await page.close()
    expect(scripts.length).toBeGreaterThan(0)
    expect(scripts.filter((text) => /@uppy|s3-multipart/.test(text))).toEqual([])
  })

  it('has the Content-Security-Policy of the console, plus data: for Uppy 6', async () => {
    const policies = await Promise.all(
      ['/', '/console/uppy'].map(async (path) =>
        (await fetch(gateway.apiUrl + path)).headers.get('content-security-policy'),
      ),
    )
    const framed = policies[0]!.replace("frame-ancestors 'self'", "frame-ancestors 'none'")
    expect(policies[1]).toBe(framed.replace(/connect-src [^;]*/, '$& data:'))
  })
})
