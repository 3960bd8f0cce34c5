/** Progress, connection resets, timeouts, a lost network and reloads. */
import { describe, expect, it } from 'vitest'
import {
  choose,
  MiB,
  open,
  openPage,
  outcome,
  partRequests,
  start,
  startSlowly,
  statesOf,
  steps,
  storedParts,
  storedSha256,
  textFile,
  waitForBytes,
} from './client-harness.ts'
import type { Running } from './client-suite.ts'
import { throttleUploads } from './throttle.ts'

const partOf = (url: URL): number => Number(url.searchParams.get('partNumber'))

export function transfers(running: Running): void {
  describe('transfers', () => {
    it('reports the progress of 20 MB on a slow connection, and stores the sent bytes', async () => {
      const { harness } = running
      const { file, page, task } = await startSlowly(harness, 'slow.txt', { size: 20 * MiB, rate: 2 * MiB })
      const { record } = await outcome(page, task)
      const seen = await steps(page, task)
      await page.close()

      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect(statesOf(seen)).toEqual(['queued', 'signing', 'uploading', 'finalizing', 'confirming', 'success'])
      const loaded = seen.map(({ progress }) => progress.loaded)
      expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
      expect(new Set(loaded).size).toBeGreaterThanOrEqual(20)
      expect(seen.at(-1)!.progress).toMatchObject({ loaded: 20 * MiB, percent: 100, part: { done: 3, total: 3 } })
      const etas = seen.filter((s) => s.state === 'uploading').map((s) => s.progress.etaSeconds)
      const known = etas.filter((eta) => eta !== null)
      expect(known.length).toBeGreaterThan(10)
      expect(known.at(-1)!).toBeLessThan(known[0]! / 2)
      const gaps = seen.slice(1).flatMap((s, i) => (s.state === seen[i]!.state ? [s.at - seen[i]!.at] : []))
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(95)
    })

    it('resends only the part whose connection is reset three times', async () => {
      const { harness } = running
      const file = await textFile(harness, 'reset.txt', 24 * MiB)
      let resets = 0
      harness.store.fault = ({ method, url }) => {
        if (method !== 'PUT' || partOf(url) !== 2 || resets === 3) return null
        resets++
        return { kind: 'reset', afterBytes: MiB }
      }
      const page = await openPage(harness)
      await choose(page, file.path)
      const task = await start(page)
      const { record } = await outcome(page, task)
      const last = (await steps(page, task)).at(-1)!
      await page.close()

      expect(resets).toBe(3)
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      const sent = partRequests(harness)
      expect(sent.get(1)).toEqual([200])
      expect(sent.get(2)).toEqual([null, null, null, 200])
      expect(sent.get(3)).toEqual([200])
      expect(last.progress.attempt).toBeGreaterThan(1)
    })

    it('continues automatically when the network returns, without counting a failure', async () => {
      const { harness } = running
      const file = await textFile(harness, 'offline.txt', 24 * MiB)
      const page = await openPage(harness)
      const setOffline = await throttleUploads(page, Infinity)
      // Two parts are held, so that the upload is not over before the network is gone, however slow this machine is.
      harness.store.fault = ({ url }) => (partOf(url) > 1 ? { kind: 'hang', afterBytes: 1 } : null)
      await choose(page, file.path)
      const task = await start(page)
      await page.waitForFunction(() => postern.tasks[0]!.getSnapshot().progress.part?.done === 1)
      await setOffline(true)
      harness.store.fault = null
      // Requests that had begun go on, and one may reach the store only after the first cut.
      for (let i = 0; i < 10; i++) {
        harness.store.dropConnections()
        await page.waitForTimeout(500)
      }
      expect((await steps(page, task)).at(-1)!.state).toBe('offline')
      await setOffline(false)
      const { record } = await outcome(page, task)
      const seen = await steps(page, task)
      await page.close()

      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect(seen.at(-1)!.progress.attempt).toBe(1)
      const loaded = seen.map(({ progress }) => progress.loaded)
      expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
    })

    it('sends only the missing parts after a reload', async () => {
      const { harness } = running
      const { file, page, task: before } = await startSlowly(harness, 'reload.txt', { size: 40 * MiB, rate: 8 * MiB })
      await waitForBytes(page, before, 24 * MiB)
      await page.waitForFunction(() => postern.tasks[0]!.getSnapshot().progress.part!.done >= 2)
      await page.reload()
      harness.store.seen.length = 0
      await open(harness, page)
      const [pending] = await page.evaluate(() => postern.client.pending())
      expect(pending).toMatchObject({ filename: 'reload.txt', size: 40 * MiB })
      const there = await storedParts(harness, pending!.id)
      expect(there.length).toBeGreaterThanOrEqual(2)

      await choose(page, file.path)
      const task = await start(page)
      const { record } = await outcome(page, task)
      const left = await page.evaluate(() => postern.client.pending())
      await page.close()
      expect(record!.id).toBe(pending!.id)
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect([...partRequests(harness).keys()].toSorted()).toEqual([1, 2, 3, 4, 5].filter((n) => !there.includes(n)))
      expect(left).toEqual([])
    })

    it('rejects a different file with the same name after a reload', async () => {
      const { harness } = running
      const file = await textFile(harness, 'twin.txt', 24 * MiB)
      const twin = await textFile(harness, 'twin.txt', 24 * MiB)
      const page = await openPage(harness)
      await throttleUploads(page, 4 * MiB)
      await choose(page, file.path)
      const before = await start(page)
      await waitForBytes(page, before, 2 * MiB)
      await page.reload()
      await open(harness, page)
      await choose(page, twin.path, file.path)
      const seen = await page.evaluate(async () => {
        const [pending] = await postern.client.pending()
        const resumed = postern.client.resume(pending!)
        const asked = resumed.getSnapshot().state
        const told = new Promise((resolve) => resumed.subscribe(() => resolve(resumed.getSnapshot().error?.code)))
        resumed.resume(postern.chosen(0))
        const code = await told
        const after = resumed.getSnapshot().state
        resumed.resume(postern.chosen(1))
        return { asked, code, after, record: await resumed, expected: pending!.id }
      })
      await page.close()
      expect(seen).toMatchObject({ asked: 'needs-file', code: 'file-changed', after: 'needs-file' })
      expect(seen.record.id).toBe(seen.expected)
      expect(await storedSha256(harness, seen.record.id)).toBe(file.sha256)
    })

    it('retries a part that hangs, and waits for a slow response', async () => {
      const { harness } = running
      const file = await textFile(harness, 'hang.txt', 24 * MiB)
      let hangs = 0
      harness.store.fault = ({ method, url }) => {
        if (method !== 'PUT') return null
        if (partOf(url) === 2 && hangs++ === 0) return { kind: 'hang', afterBytes: 1 }
        return partOf(url) === 3 ? { kind: 'late', ms: 8000 } : null
      }
      const page = await openPage(harness, { timeouts: { stall: 5 } })
      await choose(page, file.path)
      const task = await start(page)
      const { record } = await outcome(page, task)
      await page.close()

      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      const sent = partRequests(harness)
      expect(sent.get(2)).toEqual([null, 200])
      expect(sent.get(3)).toEqual([200])
    })

    it('accepts a 412 after a lost response, because the bytes are stored', async () => {
      const { harness } = running
      const file = await textFile(harness, 'lost-answer.txt', MiB)
      let lost = 0
      harness.store.fault = ({ method }) => (method === 'PUT' && lost++ === 0 ? { kind: 'lose-answer' } : null)
      const page = await openPage(harness)
      await choose(page, file.path)
      const { record } = await outcome(page, await start(page))
      await page.close()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      // A store without conditional writes takes the same bytes a second time.
      expect(harness.store.seen.filter(({ method }) => method === 'PUT').map(({ status }) => status)).toEqual([
        null,
        expect.toBeOneOf([412, 200]),
      ])
    })

    it('continues after a pause without resending finished parts', async () => {
      const { harness } = running
      const { file, page, task } = await startSlowly(harness, 'pause.txt', { size: 40 * MiB, rate: 8 * MiB })
      await page.waitForFunction(() => (postern.tasks[0]!.getSnapshot().progress.part?.done ?? 0) >= 1)
      await page.evaluate(() => postern.tasks[0]!.pause())
      await page.waitForTimeout(1000)
      const resting = await steps(page, task)
      expect(resting.at(-1)!.state).toBe('paused')
      expect(harness.store.active.now).toBe(0)
      const there = await storedParts(harness, (await page.evaluate(() => postern.tasks[0]!.getSnapshot().fileId))!)
      expect(there.length).toBeGreaterThanOrEqual(1)
      harness.store.seen.length = 0
      await page.evaluate(() => postern.tasks[0]!.resume())
      const { record } = await outcome(page, task)
      await page.close()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect([...partRequests(harness).keys()].toSorted()).toEqual([1, 2, 3, 4, 5].filter((n) => !there.includes(n)))
    })
  })
}

declare const postern: import('./client-harness.ts').ClientPage
