/** Empty files, unusual names, files that are chosen twice, and uploads that are canceled. */
import { describe, expect, it } from 'vitest'
import {
  choose,
  type ClientPage,
  MiB,
  openPage,
  outcome,
  patient,
  reservedBytes,
  start,
  steps,
  storedFiles,
  storedSha256,
  textFile,
  waitForBytes,
} from './client-harness.ts'
import type { Running } from './client-suite.ts'
import { throttleUploads } from './throttle.ts'

declare const postern: ClientPage

export function files(running: Running): void {
  describe('files', () => {
    it('aborts an upload on the server when it is canceled', async () => {
      const { harness } = running
      const file = await textFile(harness, 'canceled.txt', 32 * MiB)
      const before = await reservedBytes(harness)
      const page = await openPage(harness)
      await throttleUploads(page, 8 * MiB)
      await choose(page, file.path)
      const task = await start(page)
      await waitForBytes(page, task, 10 * MiB)
      const id = await page.evaluate(() => {
        postern.tasks[0]!.cancel()
        return postern.tasks[0]!.getSnapshot().fileId
      })
      expect((await outcome(page, task)).error).toMatchObject({ code: 'aborted', retryable: false })
      expect((await steps(page, task)).at(-1)!.state).toBe('canceled')
      const parts = `${harness.gateway.apiUrl}/files/multipart/${id}/parts`
      await expect.poll(async () => (await fetch(parts)).status, patient).toBe(404)
      expect(await reservedBytes(harness)).toBeLessThanOrEqual(before)
      await expect.poll(() => harness.store.active.now, patient).toBe(0)
      expect(await page.evaluate(() => postern.client.pending())).toEqual([])
      await page.close()
    })

    it('aborts an upload on the server when it is canceled before the server responds', async () => {
      const { harness } = running
      harness.api.fault = ({ url }) => (url.pathname.endsWith('/multipart') ? { kind: 'late', ms: 3000 } : null)
      const page = await openPage(harness)
      await page.evaluate(() => {
        const bytes = new Uint8Array(20 * 2 ** 20).fill(65)
        postern.start(new File([bytes], 'never-mind.txt', { type: 'text/plain' }))
      })
      await expect.poll(() => harness.api.seen.length, patient).toBe(1)
      await page.evaluate(() => postern.tasks[0]!.cancel())
      const aborts = () => harness.api.seen.filter(({ method, status }) => method === 'DELETE' && status === 204)
      await expect.poll(() => aborts().length, patient).toBe(1)
      await page.close()
      expect(harness.store.seen).toEqual([])
    })

    it('stores an empty file', async () => {
      const { harness } = running
      const page = await openPage(harness)
      const { record } = await page.evaluate(() =>
        postern.outcome(postern.start(new File([], 'empty.txt', { type: 'text/plain' }))),
      )
      const last = (await steps(page, 0)).at(-1)!
      await page.close()
      expect(record).toMatchObject({ filename: 'empty.txt', size: 0 })
      expect(last.progress).toMatchObject({ loaded: 0, total: 0, percent: 100 })
    })

    it.for(["naïve 😀 (1)'*!~ %2F.txt", 'תמונה של החתול (1).txt', `${'n'.repeat(251)}.txt`])(
      'keeps the name %s',
      async (name) => {
        const { harness } = running
        const page = await openPage(harness)
        const { record } = await page.evaluate(
          (filename) => postern.outcome(postern.start(new File(['text'], filename, { type: 'text/plain' }))),
          name,
        )
        const url = await page.evaluate(
          (id) => postern.client.getDownloadUrl(id, { disposition: 'attachment' }),
          record!.id,
        )
        await page.close()
        expect(record!.filename).toBe(name)
        expect((await storedFiles(harness))[0]!.filename).toBe(name)
        const disposition = (await fetch(url.url)).headers.get('content-disposition') ?? ''
        const starred = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1]
        expect(starred ? decodeURIComponent(starred) : /filename="?([^";]*)/.exec(disposition)?.[1]).toBe(name)
      },
    )

    it('creates two objects for a file that is chosen twice', async () => {
      const { harness } = running
      const file = await textFile(harness, 'twice.txt', 17 * MiB)
      const page = await openPage(harness)
      await choose(page, file.path)
      const [one, two] = [await start(page), await start(page)]
      const records = [await outcome(page, one), await outcome(page, two)].map(({ record }) => record!)
      await page.close()
      expect(records[0]!.id).not.toBe(records[1]!.id)
      expect(records[0]!.key).not.toBe(records[1]!.key)
      for (const { id } of records) expect(await storedSha256(harness, id)).toBe(file.sha256)
    })
  })
}
