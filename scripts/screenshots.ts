/** `npm run screenshots`: the pictures of the README, taken of a running gateway with files drawn by code. */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { choose, type SampleFile, storeFile } from '../test/browser/sample-files.ts'
import { throttleUploads } from '../test/browser/throttle.ts'
import { launchChromium } from '../test/fixtures/chromium.ts'
import { startGateway } from '../test/fixtures/gateway.ts'
import { landscape, type Scene, scenes } from '../test/fixtures/sample-image.ts'

const images = join(import.meta.dirname, '..', 'docs', 'images')

const picture = (name: string, scene: Scene): SampleFile => ({
  name,
  mimeType: 'image/png',
  buffer: landscape(480, 360, scene),
})
/** The right first bytes, and as many as a real one would have. */
const padded = (name: string, mimeType: string, head: string, bytes: number): SampleFile => ({
  name,
  mimeType,
  buffer: Buffer.concat([Buffer.from(head, 'latin1'), randomBytes(bytes)]),
})

const hour = 3_600_000
const samples: [ageInHours: number, SampleFile][] = [
  [19 * 24, padded('winter trip, all pictures.zip', 'application/zip', 'PK\x03\x04\x14\0\0\0\0\0', 6_300_000)],
  [12 * 24, padded('reading list.txt', 'text/plain', 'Middlemarch\nThe Summer Book\n', 0)],
  [8 * 24, padded('ferry crossing.mp4', 'video/mp4', '\0\0\0\x18ftypisom\0\0\x02\0isomiso2', 7_900_000)],
  [5 * 24, padded('temperatures by hour.csv', 'text/csv', 'hour,celsius\n0,4.5\n1,4.1\n'.repeat(9000), 0)],
  [3 * 24, picture('dunes at noon.png', scenes.dunes)],
  [30, picture('night walk.png', scenes.night)],
  [27, padded('lease agreement, signed.pdf', 'application/pdf', '%PDF-1.7\n', 412_000)],
  [0.6, picture('valley in the morning.png', scenes.morning)],
  [0.05, picture('side gate at dusk.png', scenes.dusk)],
]

const clock = { offset: 0 }
const gateway = await startGateway(
  { server: { listen: '127.0.0.1:0' }, quotas: { userBytes: '64MiB' } },
  { dev: true, now: () => new Date(Date.now() + clock.offset) },
)
const browser = await launchChromium()
try {
  for (const [age, file] of samples) {
    clock.offset = -age * hour
    await storeFile(gateway, file)
  }
  clock.offset = 0
  mkdirSync(images, { recursive: true })
  const page = await browser.newPage({
    viewport: { width: 1280, height: 720 },
    deviceScaleFactor: 2,
    colorScheme: 'light',
  })
  await page.goto(gateway.apiUrl)
  await page.locator('li.file').last().waitFor()
  await uploadInView(page)
  await page.screenshot({ path: join(images, 'console.png') })
  console.log('docs/images/console.png')
} finally {
  await browser.close()
  await gateway.close()
}

/** Two uploads on a slow line, until the first is well under way. */
async function uploadInView(page: Page): Promise<void> {
  await throttleUploads(page, 600_000)
  await choose(page, [
    padded('interview with the keeper.mp3', 'audio/mpeg', 'ID3\x04\0\0\0\0\0\0', 5_200_000),
    padded('floor plan.pdf', 'application/pdf', '%PDF-1.7\n', 2_900_000),
  ])
  const bar = page.getByRole('progressbar', { name: 'Upload of floor plan.pdf' })
  while (Number(await bar.getAttribute('aria-valuenow')) < 55) await page.waitForTimeout(50)
  await page.waitForLoadState('networkidle', { timeout: 1000 }).catch(() => undefined)
}
