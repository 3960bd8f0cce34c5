/** One file of 5 GB and 200 files of 1 MB in one page, without long tasks, with little memory and four connections. */
import { describe, expect, it } from 'vitest'
import { type ClientPage, MiB, openPage, patient, type Harness, sha256, storedSha256 } from './client-harness.ts'
import type { Running } from './client-suite.ts'
import { has } from './abilities.ts'
import { measure } from './main-thread.ts'
import { limit } from '../fixtures/time-limit.ts'

declare const postern: ClientPage

const hugeParts = 640
const crowd = 200
const hugeId = 'd3b07384-0000-4000-8000-000000000000'

/** The gateway is told of 5 GB and refuses; here it is answered a plan for them, and the store's part is played. */
function playHuge(harness: Harness): void {
  const cors = { 'access-control-expose-headers': 'etag', 'content-type': 'application/json' }
  const json = (body: unknown) => ({ kind: 'answer', status: 200, headers: cors, body: JSON.stringify(body) }) as const
  const plan = { id: hugeId, partSize: 8 * MiB, partCount: hugeParts }
  const issued = Array.from({ length: hugeParts }, (_, i) => ({
    partNumber: i + 1,
    url: `${harness.store.url}/simulated?partNumber=${i + 1}`,
    headers: {},
    expiresIn: 3600,
  }))
  harness.api.fault = ({ url, method }) => {
    if (!url.pathname.startsWith('/files/multipart')) return null
    if (method === 'GET') return json({ ...plan, parts: [] })
    if (url.pathname.endsWith('/parts')) return json({ parts: issued })
    if (url.pathname.endsWith('/complete')) return json({ id: hugeId, filename: 'huge.bin', size: 5 * 1024 * MiB })
    return json(plan)
  }
  harness.store.fault = ({ url }) =>
    url.pathname === '/simulated' ? { kind: 'answer', status: 200, headers: { etag: '"e"' } } : null
}

const isPart = (url: URL): boolean => url.pathname === '/simulated'

export function crowds(running: Running): void {
  describe('large and many files', () => {
    it(
      'sends one file of 5 GB and 200 of 1 MB without a long task, with a flat heap and four requests at a time',
      {
        timeout: limit(240_000),
      },
      async () => {
        const { harness } = running
        playHuge(harness)
        const page = await openPage(harness)
        const measured = has('measurements') ? await measure(page) : undefined
        const before = await measured?.heap()
        await page.evaluate((count) => {
          // A file that makes its bytes when they are asked for; a part of it is sent as its first 64 KiB.
          const piece = new Blob([new Uint8Array(65_536)])
          const lazy = (size: number): object => ({
            size,
            type: 'application/zip',
            slice: (from: number, to: number) =>
              to - from > 8 * 2 ** 20 ? lazy(to - from) : piece.slice(0, to - from),
          })
          postern.start(lazy(5 * 2 ** 30) as Blob, { filename: 'huge.bin' })
          const filling = new Blob(['a'.repeat(2 ** 20 - 10)])
          for (let i = 0; i < count; i++) {
            const name = `crowd-${i}.txt`
            postern.start(new File([filling, String(i).padStart(10, '0')], name, { type: 'text/plain' }))
          }
        }, crowd)
        const puts = (wanted: (url: URL) => boolean): number =>
          harness.store.seen.filter(({ method, url, status }) => method === 'PUT' && status === 200 && wanted(url))
            .length
        await expect.poll(() => puts(isPart), { timeout: limit(180_000), interval: 500 }).toBeGreaterThan(hugeParts / 2)
        const middle = await measured?.heap()
        const { records, failed } = await page.evaluate(async () => {
          const outcomes = await Promise.all(postern.tasks.map((_, i) => postern.outcome(i)))
          return {
            records: outcomes.map(({ record }) => record && { id: record.id, size: record.size }),
            failed: outcomes.flatMap(({ error }) => error ?? []),
          }
        })
        const after = await measured?.heap()
        const tasks = await measured?.tasks()
        await page.close()

        expect(failed).toEqual([])
        expect(records[0]).toMatchObject({ id: hugeId })
        expect(records.slice(1).map((record) => record!.size)).toEqual(Array(crowd).fill(MiB))
        expect(puts(isPart)).toBe(hugeParts)
        expect(puts((url) => !isPart(url))).toBe(crowd)
        for (const i of [0, 99, 199]) {
          const bytes = Buffer.from('a'.repeat(MiB - 10) + String(i).padStart(10, '0'))
          expect(await storedSha256(harness, records[i + 1]!.id)).toBe(sha256(bytes))
        }
        expect(harness.store.active.most).toBeLessThanOrEqual(4)
        await expect.poll(() => harness.store.active.now, patient).toBe(0)
        if (!tasks) return
        expect(tasks.length).toBeGreaterThan(1000)
        expect(tasks[0]).toBeLessThan(100)
        // Of 201 tasks and the steps that this page notes of each; of the bytes, none.
        expect(Math.max(middle!, after!) - before!).toBeLessThan(4 * MiB)
      },
    )
  })
}
