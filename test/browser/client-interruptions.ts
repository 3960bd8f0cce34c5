/** Requests that the browser aborts, files that change during the upload, and credentials that expire. */
import { readFile, utimes, writeFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { chosenEngine } from '../fixtures/browsers.ts'
import { needs } from './abilities.ts'
import {
  choose,
  type ClientPage,
  MiB,
  open,
  openPage,
  outcome,
  partRequests,
  patient,
  type Harness,
  start,
  statesOf,
  steps,
  storedFiles,
  storedParts,
  storedSha256,
  textFile,
} from './client-harness.ts'
import type { Running } from './client-suite.ts'

declare const postern: ClientPage

const partOf = (url: URL): number => Number(url.searchParams.get('partNumber'))

/** Holds the first request with bytes that `wanted` matches until it is cut off; resolves once one is held. */
function holdOnce(harness: Harness, wanted: (url: URL) => boolean): () => Promise<void> {
  let held = 0
  harness.store.fault = ({ method, url }) =>
    method === 'PUT' && wanted(url) && held++ === 0 ? { kind: 'hang', afterBytes: 1 } : null
  return async () => {
    await expect.poll(() => held, patient).toBeGreaterThan(0)
  }
}

/** The page runs no script while `meanwhile` happens: frozen in Chromium, elsewhere kept busy for three seconds. */
async function asleep(page: Page, meanwhile: () => Promise<void>): Promise<void> {
  if (chosenEngine() === 'chromium') {
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
    await meanwhile()
    await devtools.send('Page.setWebLifecycleState', { state: 'active' })
    return
  }
  await page.evaluate(() => {
    setTimeout(() => {
      const end = Date.now() + 3000
      while (Date.now() < end);
    })
  })
  await meanwhile()
}

const shapes = [
  { name: 'in one request', bytes: MiB },
  { name: 'in parts', bytes: 24 * MiB },
]

export function interruptions(running: Running): void {
  describe('interruptions', () => {
    /** The statuses of the requests with bytes: null for one that was not answered. */
    const interrupted = async (name: string, bytes: number, interrupt: (page: Page) => Promise<unknown>) => {
      const { harness } = running
      const file = await textFile(harness, name, bytes)
      const isHeld = holdOnce(harness, (url) => partOf(url) === (bytes > 16 * MiB ? 2 : 0))
      const page = await openPage(harness)
      await choose(page, file.path)
      const task = await start(page)
      await isHeld()
      await interrupt(page)
      const { record, error } = await outcome(page, task)
      const states = statesOf(await steps(page, task))
      await page.close()
      expect(error).toBeUndefined()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect(states).toContain('success')
      expect(harness.api.seen.filter(({ method }) => method === 'DELETE')).toEqual([])
      expect((await storedFiles(harness)).filter(({ filename }) => filename === name)).toHaveLength(1)
      return { requests: harness.store.seen.filter(({ method }) => method === 'PUT').map(({ status }) => status) }
    }

    it.for(shapes)('continues after window.stop(), $name', async ({ name, bytes }) => {
      const { requests } = await interrupted(`stopped ${name}.txt`, bytes, (page) => page.evaluate(() => window.stop()))
      expect(requests).toContain(null)
    })

    it.for(shapes)('continues after a click on a download link, $name', async ({ name, bytes }) => {
      const { requests } = await interrupted(`beside a download ${name}.txt`, bytes, async (page) => {
        const { harness } = running
        const held = harness.store.fault
        const headers = { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment' }
        harness.store.fault = (seen) =>
          seen.url.pathname === '/download' ? { kind: 'answer', status: 200, headers, body: 'x' } : held!(seen)
        await page.evaluate((href) => {
          // Not awaited: the driver would wait for a navigation that never ends.
          const link = Object.assign(document.createElement('a'), { href })
          document.body.append(link)
          setTimeout(() => link.click())
        }, `${harness.store.url}/download`)
        const asked = () => harness.store.seen.some(({ url }) => url.pathname === '/download')
        await expect.poll(asked, patient).toBe(true)
        // Where the browser kept the request, the network ends it.
        harness.store.dropConnections()
      })
      expect(requests).toContain(null)
    })

    it.for(shapes)('continues after a sleep that lost the connection, $name', async ({ name, bytes }) => {
      const { requests } = await interrupted(`asleep ${name}.txt`, bytes, (page) =>
        asleep(page, async () => running.harness.store.dropConnections()),
      )
      expect(requests).toContain(null)
    })

    it('requests the headers again if the browser aborted the request for a token', async () => {
      const { harness } = running
      const file = await textFile(harness, 'token.txt', 1000)
      const headers = { 'access-control-allow-origin': '*' }
      let asked = 0
      harness.store.fault = ({ url }) => {
        if (url.pathname !== '/token') return null
        return ++asked === 1 ? { kind: 'hang', afterBytes: 0 } : { kind: 'answer', status: 200, headers, body: 'known' }
      }
      const page = await openPage(harness)
      await page.evaluate(
        ([baseUrl, url]) =>
          postern.open({ baseUrl, headers: async () => ({ 'x-test': await (await fetch(url)).text() }) }),
        [harness.api.url, `${harness.store.url}/token`] as const,
      )
      await choose(page, file.path)
      const task = await start(page)
      await expect.poll(() => asked, patient).toBe(1)
      await page.evaluate(() => window.stop())
      const { record, error } = await outcome(page, task)
      await page.close()
      expect(error).toBeUndefined()
      expect(asked).toBeGreaterThan(1)
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
    })

    it('reads a file again if the browser aborted a read, and sends its checksum', async () => {
      const { harness } = running
      const file = await textFile(harness, 'read-again.txt', MiB)
      const page = await openPage(harness)
      await page.evaluate(() => {
        // Without a Worker the page itself reads the file for its checksum.
        Object.assign(window, { Worker: undefined })
        const read = Blob.prototype.arrayBuffer
        Blob.prototype.arrayBuffer = function () {
          Blob.prototype.arrayBuffer = read
          return Promise.reject(new DOMException('The read was ended.', 'NotReadableError'))
        }
      })
      await choose(page, file.path)
      const { record, error } = await outcome(page, await start(page))
      await page.close()
      expect(error).toBeUndefined()
      expect(record!.checksum).toMatchObject({ algorithm: 'sha256' })
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
    })

    it('sends only the missing parts after a reload in the middle of a part', async () => {
      const { harness } = running
      const file = await textFile(harness, 'left.txt', 24 * MiB)
      harness.store.fault = ({ method, url }) =>
        method === 'PUT' && partOf(url) === 3 ? { kind: 'hang', afterBytes: 1 } : null
      const page = await openPage(harness)
      await choose(page, file.path)
      const before = await start(page)
      await page.waitForFunction((task) => postern.tasks[task]!.getSnapshot().progress.part?.done === 2, before)
      await page.reload()
      harness.store.fault = null
      harness.store.seen.length = 0
      await open(harness, page)
      const [pending] = await page.evaluate(() => postern.client.pending())
      expect(pending).toMatchObject({ filename: 'left.txt', size: 24 * MiB })
      expect(await storedParts(harness, pending!.id)).toEqual([1, 2])
      await choose(page, file.path)
      const { record } = await outcome(page, await start(page))
      await page.close()
      expect(record!.id).toBe(pending!.id)
      expect([...partRequests(harness).keys()]).toEqual([3])
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
    })

    it.for([
      { name: 'in parts', bytes: 24 * MiB, checksum: 'auto' },
      { name: 'in one request without a checksum', bytes: MiB, checksum: 'never' },
    ] as const)('never confirms a mixture of two versions of a file, $name', async ({ name, bytes, checksum }) => {
      needs('files on disk')
      const { harness } = running
      const filename = `torn ${name}.txt`
      const file = await textFile(harness, filename, bytes)
      const isHeld = holdOnce(harness, (url) => partOf(url) === (bytes > 16 * MiB ? 2 : 0))
      const page = await openPage(harness)
      await choose(page, file.path)
      const task = await start(page, { checksum })
      await isHeld()
      // Of the same length, as a program that saves in place may leave it.
      await writeFile(file.path, (await readFile(file.path)).toReversed())
      await utimes(file.path, new Date(), new Date())
      harness.store.dropConnections()
      const { error } = await outcome(page, task)
      expect(error).toMatchObject({ code: 'file-changed', retryable: false })
      const stored = async () => (await storedFiles(harness)).filter((other) => other.filename === filename)
      // The client deletes the upload after it has reported the error, so the page stays open.
      await expect.poll(stored, patient).toEqual([])
      await page.close()
      expect(harness.api.seen.filter(({ url }) => /\/(complete|confirm)$/.test(url.pathname))).toEqual([])
    })

    it.for(shapes)('requests a new URL when the store answers ExpiredToken, $name', async ({ name, bytes }) => {
      const { harness } = running
      const file = await textFile(harness, `token ${name}.txt`, bytes)
      const body = '<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>'
      let times = 1
      harness.store.fault = ({ method }) =>
        method === 'PUT' && times-- > 0 ? { kind: 'answer', status: 400, body } : null
      const page = await openPage(harness)
      await choose(page, file.path)
      const task = await start(page)
      const { record, error } = await outcome(page, task)
      const last = (await steps(page, task)).at(-1)!
      await page.close()
      expect(error).toBeUndefined()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect(last.progress.attempt).toBe(1)
      const signings = harness.api.seen.filter(({ url }) => /\/(upload-url|parts)$/.test(url.pathname))
      expect(signings.length).toBeGreaterThan(1)
    })

    it('works in a browser without AbortSignal.any', async () => {
      const { harness } = running
      const file = await textFile(harness, 'older.txt', 24 * MiB)
      const page = await openPage(harness)
      await page.evaluate(() => Reflect.deleteProperty(AbortSignal, 'any'))
      await choose(page, file.path)
      const { record, error } = await outcome(page, await start(page))
      await page.close()
      expect(error).toBeUndefined()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
    })
  })
}
