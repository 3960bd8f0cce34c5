/**
 * `npm run screenshots`, or `-- files log` for some of them: the console's states for README and docs, taken of a running
 * gateway with files drawn by code.
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { grant, post, sendParts } from '../test/browser/console-requests.ts'
import { choose } from '../test/browser/sample-files.ts'
import { throttleUploads } from '../test/browser/throttle.ts'
import { launchChromium } from '../test/fixtures/chromium.ts'
import { startGateway } from '../test/fixtures/gateway.ts'
import { reducePalette } from './reduce-palette.ts'
import { padded, storeSamples } from './sample-library.ts'

const images = join(import.meta.dirname, '..', 'docs', 'images')
const scratch = join(tmpdir(), `postern-screenshots-${process.pid}`)

type Look = { width: 390 | 820 | 1440; scheme: 'light' | 'dark' }
const heights = { 390: 844, 820: 1100, 1440: 900 }

type State = { name: string; hash?: string; looks: Look[]; show(page: Page): Promise<void> }

const looks = (...wanted: string[]): Look[] =>
  wanted.map((text) => {
    const [width, scheme] = text.split(' ')
    return { width: Number(width) as Look['width'], scheme: scheme as Look['scheme'] }
  })

const listed = (page: Page): Promise<void> => page.locator('li.file').last().waitFor()

/** Of a server that has nothing yet. */
const empty: State = {
  name: 'empty',
  looks: looks('1440 light', '820 dark', '390 light'),
  show: (page) => page.getByRole('heading', { name: 'No files yet' }).waitFor(),
}

const states: State[] = [
  {
    name: 'files',
    looks: looks('1440 light', '1440 dark', '820 light', '820 dark', '390 light', '390 dark'),
    show: listed,
  },
  {
    name: 'grid',
    looks: looks('1440 dark', '820 light', '390 light'),
    async show(page) {
      await page.getByRole('button', { name: 'Grid' }).click()
      await page.locator('.files.grid img').first().waitFor()
    },
  },
  {
    name: 'drawer',
    looks: looks('1440 light', '820 dark', '390 dark'),
    async show(page) {
      await page.locator('li.file').filter({ hasText: 'night walk' }).click()
      await page
        .getByRole('dialog')
        .getByRole('img', { name: /^Preview/ })
        .waitFor()
    },
  },
  { name: 'links', looks: looks('1440 light', '820 dark', '390 light'), show: linksOfFile },
  {
    name: 'transfers',
    looks: looks('1440 light', '1440 dark', '820 light', '390 dark'),
    show: uploadInView,
  },
  { name: 'uploads', hash: '#/uploads', looks: looks('1440 light'), show: unfinishedUpload },
  { name: 'log', hash: '#/log', looks: looks('1440 dark', '390 light'), show: refusalInLog },
  { name: 'settings', hash: '#/settings', looks: looks('1440 light'), show: settled },
]

const wanted = new Set(process.argv.slice(2))
const isWanted = ({ name }: State): boolean => wanted.size === 0 || wanted.has(name)

const clock = { offset: 0 }
const settings = { server: { listen: '127.0.0.1:0' }, quotas: { userBytes: '256MiB' } }
const gateway = await startGateway(settings, { dev: true, now: () => new Date(Date.now() + clock.offset) })
const browser = await launchChromium()
mkdirSync(scratch, { recursive: true })
mkdirSync(images, { recursive: true })
try {
  if (isWanted(empty)) await take(browser, empty)
  await storeSamples(gateway, clock)
  for (const state of states.filter(isWanted)) await take(browser, state)
} finally {
  await browser.close()
  await gateway.close()
  rmSync(scratch, { recursive: true, force: true })
}

async function take(from: Browser, { name, hash = '', looks: each, show }: State): Promise<void> {
  for (const { width, scheme } of each) {
    const isPhone = width === 390
    const page = await from.newPage({
      viewport: { width, height: heights[width] },
      colorScheme: scheme,
      isMobile: isPhone,
      hasTouch: isPhone,
      reducedMotion: 'reduce',
    })
    await page.goto(`${gateway.apiUrl}/${hash}`)
    await show(page)
    await page.waitForLoadState('networkidle', { timeout: 1000 }).catch(() => undefined)
    const file = `console-${name}-${width}-${scheme}.png`
    writeFileSync(join(images, file), reducePalette(await page.screenshot()))
    console.log(`docs/images/${file} ${Math.round(statSync(join(images, file)).size / 1024)} KiB`)
    for (const button of await page.getByRole('button', { name: 'Cancel all' }).all()) await button.click()
    await page.close()
  }
}

async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.locator('.skeleton').waitFor({ state: 'detached' })
}

/** Three links of a file: one that another program made, one made and shown here, one that is used up. */
async function linksOfFile(page: Page): Promise<void> {
  const file = page.locator('li.file').filter({ hasText: 'reading list' })
  const id = await file.getAttribute('data-id')
  const path = `/files/${id}/links`
  const known = (await (await fetch(gateway.apiUrl + path)).json()) as { links: { id: string }[] }
  for (const link of known.links) await fetch(`${gateway.apiUrl}${path}/${link.id}`, { method: 'DELETE' })
  const made = await post<{ url: string }>(gateway, path, { maxUses: 1 })
  await fetch(made.url, { redirect: 'manual' })
  await post(gateway, path, { maxUses: 25, expiresIn: 30 * 86_400 })
  await file.click()
  await page.getByRole('textbox', { name: 'Uses' }).fill('3')
  await page.getByRole('button', { name: 'Create a QR code' }).click()
  await page.getByRole('img', { name: /^QR code/ }).waitFor()
  // What one scans, rather than the form above it.
  await page.getByRole('list', { name: 'Active links' }).evaluate((list) => list.scrollIntoView({ block: 'nearest' }))
}

/** Begun by another program, with some of its parts in the store. */
async function unfinishedUpload(page: Page): Promise<void> {
  await sendParts(gateway, { filename: 'harbour, aerial.mp4', size: 47_000_000, parts: [1, 2, 3, 5, 6] })
  await grant(gateway, { filename: 'postcard.jpg', mimeType: 'image/jpeg', size: 840_000 })
  await page.reload()
  await settled(page)
}

/** One in parts, one whole and one refused on a slow line, until the first is well under way. */
async function uploadInView(page: Page): Promise<void> {
  await listed(page)
  await throttleUploads(page, 8_000_000)
  const film = join(scratch, 'interview with the keeper.mp4')
  writeFileSync(film, padded('', '', '\0\0\0\x18ftypisom\0\0\x02\0isomiso2', 94_000_000).buffer)
  await page.setInputFiles('input[aria-label="Files to upload"]', film)
  const bar = page.getByRole('progressbar', { name: 'Upload of interview with the keeper.mp4' })
  await choose(page, [
    padded('floor plan.pdf', 'application/pdf', '%PDF-1.7\n', 12_900_000),
    padded('setup.exe', 'application/x-msdownload', 'MZ', 9000),
    padded('birdsong.mp3', 'audio/mpeg', 'ID3\x04\0\0\0\0\0\0', 9_200_000),
    padded('reading list, second half.txt', 'text/plain', 'Gilead\n', 0),
  ])
  while (Number(await bar.getAttribute('aria-valuenow')) < 52) await page.waitForTimeout(50)
}

/** A request whose signature was changed on the way, opened into its reason. */
async function refusalInLog(page: Page): Promise<void> {
  await settled(page)
  const answer = await fetch(`${gateway.apiUrl}/files/upload-url`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ filename: 'changed.txt', mimeType: 'text/plain' }),
  })
  const { uploadUrl, id } = (await answer.json()) as { uploadUrl: string; id: string }
  await fetch(uploadUrl, { method: 'PUT', headers: { 'content-type': 'text/html' }, body: 'hello' })
  await fetch(`${gateway.apiUrl}/files/${id}`, { method: 'DELETE' })
  await page
    .getByRole('link', { name: /SignatureDoesNotMatch/ })
    .first()
    .click()
}
