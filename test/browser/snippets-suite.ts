/** The two snippets of the guides, unchanged in a page of a third origin. */
import { createHash, randomBytes } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser } from '../fixtures/browsers.ts'
import type { RunningGateway } from '../fixtures/gateway.ts'
import type { StartGateway } from './gateway-on-s3.ts'
import { startThirdOrigin } from './third-origin.ts'
import { throttleUploads } from './throttle.ts'

/** The functions of pages/snippets.html. */
declare const uploadA: (file: File, onProgress: (percent: number) => void) => Promise<string>
declare const uploadB: (file: File) => Promise<{ httpStatus: number; id: string; url: string; size: number }>

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export function snippetsSuite(where: string, start: StartGateway): void {
  describe(`snippets from guides, ${where}`, () => {
    let browser: Browser
    let gateway: RunningGateway
    let foreign: { url: string; close(): Promise<void> }
    let page: Page

    beforeAll(async () => {
      gateway = await start({}, { dev: true })
      foreign = await startThirdOrigin()
      browser = await launchBrowser()
    })
    afterAll(async () => {
      await browser?.close()
      await foreign?.close()
      await gateway?.close()
    })
    beforeEach(async () => {
      page = await browser.newPage()
      await page.goto(`${foreign.url}/snippets.html?api=${encodeURIComponent(gateway.apiUrl)}`)
      return () => page.close()
    })

    it('runs on a third origin', () => {
      const origins = [foreign.url, gateway.apiUrl, gateway.objectsUrl].map((url) => url && new URL(url).origin)
      expect(new Set(origins).size).toBe(3)
    })

    it('A: uploads with XHR and progress without confirming, and the public URL works', async () => {
      await throttleUploads(page, 2 ** 22)
      const text = randomBytes(2 ** 20).toString('hex')
      const bytes = text.repeat(5)
      const { publicUrl, percents } = await page.evaluate(async (piece) => {
        const seen: number[] = []
        const file = new File(Array(5).fill(piece), 'naïve 😀 (1).txt', { type: 'text/plain' })
        const url = await uploadA(file, (percent) => seen.push(percent))
        return { publicUrl: url, percents: seen }
      }, text)
      expect(percents.length).toBeGreaterThan(1)
      expect(percents.at(-1)).toBe(100)
      expect(percents).toEqual(percents.toSorted((a, b) => a - b))
      const read = await fetch(publicUrl)
      expect(read.status).toBe(200)
      expect(sha256(new Uint8Array(await read.arrayBuffer()))).toBe(sha256(Buffer.from(bytes)))
      const { files } = (await (await fetch(`${gateway.apiUrl}/files`)).json()) as { files: Record<string, unknown>[] }
      expect(files[0]).toMatchObject({
        filename: 'naïve 😀 (1).txt',
        status: 'confirmed',
        visibility: 'public',
        size: bytes.length,
      })
    })

    it('A: the public URL shows an image in the page', async () => {
      const shown = await page.evaluate(async () => {
        const canvas = document.createElement('canvas')
        canvas.width = 40
        const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'))
        const img = new Image()
        img.src = await uploadA(new File([blob!], 'canvas.png', { type: 'image/png' }), () => {})
        await img.decode()
        return img.naturalWidth
      })
      expect(shown).toBe(40)
    })

    it('B: uploads with fetch, confirms, and downloads the same bytes', async () => {
      const bytes = randomBytes(70_000).toString('hex')
      const record = await page.evaluate((text) => uploadB(new File([text], 'b.txt', { type: 'text/plain' })), bytes)
      expect(record).toMatchObject({ httpStatus: 201, url: `/files/${record.id}`, size: bytes.length })
      const text = await page.evaluate(
        async ({ api, id }) => {
          const answer = await fetch(`${api}/files/${id}/download-url`)
          const { downloadUrl } = (await answer.json()) as { downloadUrl: string }
          return (await fetch(downloadUrl)).text()
        },
        { api: gateway.apiUrl, id: record.id },
      )
      expect(sha256(Buffer.from(text))).toBe(sha256(Buffer.from(bytes)))
    })

    it('B: the page gets a rejection as `error`', async () => {
      const words = await page.evaluate(() =>
        uploadB(new File(['MZ'], 'setup.exe', { type: 'application/x-msdownload' })).then(
          () => 'uploaded',
          (error: Error) => error.message,
        ),
      )
      expect(words).toMatch(/application\/x-msdownload/)
    })

    it('B: confirm rejects bytes that do not match the declared type', async () => {
      const words = await page.evaluate(() =>
        uploadB(new File(['<html><script>alert(1)</script>'], 'face.png', { type: 'image/png' })).then(
          () => 'confirmed',
          (error: Error) => error.message,
        ),
      )
      expect(words).not.toBe('confirmed')
      expect(words).toMatch(/png/i)
    })
  })
}
