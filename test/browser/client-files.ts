/** Files of every kind: empty, oddly named, twice, huge; and uploads that are not wanted any more. */
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
} from './client-rig.ts'
import type { Running } from './client-suite.ts'
import { throttleUploads } from './throttle.ts'

declare const postern: ClientPage

export function files(running: Running): void {
  describe('files', () => {
    it('ends an upload on the server when it is canceled', async () => {
      const { rig } = running
      const file = await textFile(rig, 'canceled.txt', 32 * MiB)
      const before = await reservedBytes(rig)
      const page = await openPage(rig)
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
      const parts = `${rig.gateway.apiUrl}/files/multipart/${id}/parts`
      await expect.poll(async () => (await fetch(parts)).status, patient).toBe(404)
      expect(await reservedBytes(rig)).toBeLessThanOrEqual(before)
      await expect.poll(() => rig.store.active.now, patient).toBe(0)
      expect(await page.evaluate(() => postern.client.pending())).toEqual([])
      await page.close()
    })

    it('ends an upload on the server that is canceled before the server has answered', async () => {
      const { rig } = running
      rig.api.fault = ({ url }) => (url.pathname.endsWith('/multipart') ? { kind: 'late', ms: 1000 } : null)
      const page = await openPage(rig)
      await page.evaluate(async () => {
        const bytes = new Uint8Array(20 * 2 ** 20).fill(65)
        const task = postern.start(new File([bytes], 'never-mind.txt', { type: 'text/plain' }))
        await new Promise((resolve) => setTimeout(resolve, 300))
        postern.tasks[task]!.cancel()
      })
      const aborts = () => rig.api.seen.filter(({ method, status }) => method === 'DELETE' && status === 204)
      await expect.poll(() => aborts().length, patient).toBe(1)
      await page.close()
      expect(rig.store.seen).toEqual([])
    })

    it('stores a file of no bytes', async () => {
      const { rig } = running
      const page = await openPage(rig)
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
        const { rig } = running
        const page = await openPage(rig)
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
        expect((await storedFiles(rig))[0]!.filename).toBe(name)
        const disposition = (await fetch(url.url)).headers.get('content-disposition') ?? ''
        const starred = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1]
        expect(starred ? decodeURIComponent(starred) : /filename="?([^";]*)/.exec(disposition)?.[1]).toBe(name)
      },
    )

    it('makes two objects of the same file, chosen twice', async () => {
      const { rig } = running
      const file = await textFile(rig, 'twice.txt', 17 * MiB)
      const page = await openPage(rig)
      await choose(page, file.path)
      const [one, two] = [await start(page), await start(page)]
      const records = [await outcome(page, one), await outcome(page, two)].map(({ record }) => record!)
      await page.close()
      expect(records[0]!.id).not.toBe(records[1]!.id)
      expect(records[0]!.key).not.toBe(records[1]!.key)
      for (const { id } of records) expect(await storedSha256(rig, id)).toBe(file.sha256)
    })

    it('sends 5 GB in 640 parts with a flat heap and four requests at a time', async () => {
      const { rig } = running
      // The gateway is told of 90 MiB; what it answers is made a plan for 5 GiB, and the store's part is played.
      const id = 'd3b07384-0000-4000-8000-000000000000'
      const cors = { 'access-control-expose-headers': 'etag', 'content-type': 'application/json' }
      const json = (body: unknown) =>
        ({ kind: 'answer', status: 200, headers: cors, body: JSON.stringify(body) }) as const
      const numbers = Array.from({ length: 640 }, (_, i) => i + 1)
      const issued = numbers.map((n) => ({
        partNumber: n,
        url: `${rig.store.url}/simulated?partNumber=${n}`,
        headers: {},
      }))
      rig.api.fault = ({ url, method }) => {
        if (method === 'GET') return json({ id, partSize: 8 * MiB, partCount: 640, parts: [] })
        if (url.pathname.endsWith('/parts')) return json({ parts: issued.map((p) => ({ ...p, expiresIn: 3600 })) })
        if (url.pathname.endsWith('/complete')) return json({ id, filename: 'huge.bin', size: 5 * 1024 * MiB })
        return json({ id, partSize: 8 * MiB, partCount: 640 })
      }
      rig.store.fault = () => ({ kind: 'answer', status: 200, headers: { etag: '"e"' } })
      const page = await openPage(rig)
      const devtools = await page.context().newCDPSession(page)
      const heap = async (): Promise<number> => {
        await devtools.send('HeapProfiler.collectGarbage')
        return (await devtools.send('Runtime.getHeapUsage')).usedSize
      }
      const before = await heap()
      const ended = page.evaluate(() => {
        // A file that makes its bytes when they are asked for; a part of it is sent as its first 64 KiB.
        const piece = new Blob([new Uint8Array(65_536)])
        const lazy = (size: number): object => ({
          size,
          type: 'application/zip',
          slice: (from: number, to: number) => (to - from > 8 * 2 ** 20 ? lazy(to - from) : piece.slice(0, to - from)),
        })
        return postern.outcome(postern.start(lazy(5 * 2 ** 30) as Blob, { filename: 'huge.bin' }))
      })
      await expect.poll(() => rig.store.seen.length, { timeout: 90_000, interval: 500 }).toBeGreaterThan(320)
      const middle = await heap()
      const { record } = await ended
      const after = await heap()
      await page.close()
      expect(record).toMatchObject({ id })
      expect(
        rig.store.seen.map(({ url }) => Number(url.searchParams.get('partNumber'))).toSorted((a, b) => a - b),
      ).toEqual(numbers)
      expect(rig.store.active.most).toBeLessThanOrEqual(4)
      expect(Math.max(middle, after) - before).toBeLessThan(4 * MiB)
    })
  })
}
