/** Uploads with the pages of the packed packages in a browser. */
import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { digest, followedDigest, sampleFile } from '../fixtures/run-example.ts'

async function open(browser: Browser, url: string): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage()
  page.setDefaultTimeout(30_000)
  onTestFinished(() => page.close())
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  await page.goto(url)
  return { page, faults }
}

type Upload = {
  /** Whether the downloaded bytes are those that were uploaded. */
  isSame: boolean
  /** Workers that the page started. */
  workers: number
  /** Errors of the page. */
  faults: string[]
}

export const wasUploaded: Upload = { isSame: true, workers: 1, faults: [] }

/** The page shows an `UploadDropzone`, and a button "Download NAME" for each uploaded file. */
export async function uploadThroughReact(browser: Browser, url: string): Promise<Upload> {
  const { page, faults } = await open(browser, url)
  let workers = 0
  page.on('worker', () => workers++)
  const { name, path, sha256 } = await sampleFile('from react é (1).txt', 40_000)
  await page.locator('.postern-dropzone input').setInputFiles(path)
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: `Download ${name}` }).click()
  const download = await downloading
  return { isSame: digest(await readFile(await download.path())) === sha256, workers, faults }
}

/** The page is `plainPage`. */
export async function uploadFromPlainPage(browser: Browser, url: string): Promise<Omit<Upload, 'workers'>> {
  const { page, faults } = await open(browser, url)
  const { path, sha256 } = await sampleFile('plain.txt', 40_000)
  await page.getByLabel('File').setInputFiles(path)
  const status = page.getByRole('status').filter({ hasText: 'sha256' })
  const [, href] = (await status.textContent())!.split(' ')
  return { isSame: (await followedDigest(page, href!)) === sha256, faults }
}
