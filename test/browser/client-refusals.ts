/** Rejected requests: temporary, permanent, and because the file has changed. */
import { appendFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Fault, Seen } from '../fixtures/fault-proxy.ts'
import {
  type Backend,
  choose,
  type ClientPage,
  MiB,
  openPage,
  outcome,
  patient,
  partRequests,
  reservedBytes,
  type Harness,
  start,
  statesOf,
  steps,
  storedFiles,
  storedSha256,
  textFile,
  waitForBytes,
} from './client-harness.ts'
import type { Running } from './client-suite.ts'
import { needs } from './abilities.ts'
import { throttleUploads } from './throttle.ts'

declare const postern: ClientPage

const busy: Fault = { kind: 'answer', status: 503, headers: { 'retry-after': '1' } }

/** Refuses the first request of each kind; what was refused, and how long until it came again. */
function refuseOnce(harness: Harness, kindOf: (seen: Seen) => string | null): Map<string, number> {
  const refused = new Map<string, number>()
  const waits = new Map<string, number>()
  const fault = (seen: Seen): Fault | null => {
    const kind = kindOf(seen)
    if (kind === null) return null
    const at = refused.get(kind)
    if (at !== undefined && !waits.has(kind)) waits.set(kind, seen.at - at)
    if (at !== undefined) return null
    refused.set(kind, seen.at)
    return busy
  }
  harness.api.fault = fault
  harness.store.fault = fault
  return waits
}

/** URLs of parts that expire after some seconds, and of which something else may be said. */
const partsThatLive = (seconds: number, said: number): Fault => ({
  kind: 'rewrite',
  request: (json) => ({ ...json, expiresIn: seconds }),
  answer: ({ parts }) => ({ parts: (parts as object[]).map((part) => ({ ...part, expiresIn: said })) }),
})

export function refusals(running: Running, { showsRefusals }: Backend): void {
  describe('rejected requests', () => {
    it('retries a multipart upload when a busy server asks for it (sign, parts, one part, complete)', async () => {
      const { harness } = running
      const file = await textFile(harness, 'busy.txt', 24 * MiB)
      const waits = refuseOnce(harness, ({ method, url }) => {
        if (method === 'PUT') return url.searchParams.get('partNumber') === '2' ? 'part' : null
        return method === 'POST' ? (/\/(multipart|parts|complete)$/.exec(url.pathname)?.[1] ?? null) : null
      })
      const page = await openPage(harness)
      await choose(page, file.path)
      const { record } = await outcome(page, await start(page))
      await page.close()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect([...waits.keys()].toSorted()).toEqual(['complete', 'multipart', 'part', 'parts'])
      for (const ms of waits.values()) expect(ms).toBeGreaterThanOrEqual(1000)
      expect(partRequests(harness).get(1)).toEqual([200])
    })

    it('retries a single upload when a busy server asks for it (sign, bytes, confirm)', async () => {
      const { harness } = running
      const file = await textFile(harness, 'busy-small.txt', MiB)
      const waits = refuseOnce(
        harness,
        ({ method, url }) => `${method} ${/[^/]*$/.exec(url.pathname)![0].slice(0, 10)}`,
      )
      const page = await openPage(harness)
      await choose(page, file.path)
      const task = await start(page)
      const { record } = await outcome(page, task)
      const seen = await steps(page, task)
      await page.close()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect(waits.size).toBe(3)
      for (const ms of waits.values()) expect(ms).toBeGreaterThanOrEqual(1000)
      expect(statesOf(seen)).toContain('retrying')
      expect(record!.checksum).toMatchObject({ algorithm: 'sha256' })
      expect(Buffer.from((record!.checksum as { value: string }).value, 'base64').toString('hex')).toBe(file.sha256)
    })

    it('renews expired part URLs without counting a failure', async () => {
      const { harness } = running
      const file = await textFile(harness, 'expiring.txt', 40 * MiB)
      // What the server says of the lifetime is made longer, so that the store has to refuse it.
      harness.api.fault = ({ url }) => (url.pathname.endsWith('/parts') ? partsThatLive(5, 600) : null)
      const page = await openPage(harness)
      await throttleUploads(page, 2 * MiB)
      await choose(page, file.path)
      const task = await start(page)
      const { record } = await outcome(page, task)
      const last = (await steps(page, task)).at(-1)!
      await page.close()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      const answers = [...partRequests(harness).values()]
      const refused = answers.flat().filter((status) => status === 403).length
      const signed = harness.api.seen.filter(({ url }) => url.pathname.endsWith('/parts')).length
      // Ceph refuses the preflight already.
      expect(showsRefusals ? refused : signed - 1).toBeGreaterThan(0)
      expect(answers.map((tries) => tries.filter((status) => status === 200).length)).toEqual([1, 1, 1, 1, 1])
      // A refusal that cannot be read is a lost connection to the page, and counts as one.
      expect(last.progress.attempt).toBeLessThanOrEqual(showsRefusals ? 1 : 1 + answers.flat().length)
    })

    it('renews a URL that is about to expire before using it', async () => {
      const { harness } = running
      const file = await textFile(harness, 'about-to-expire.txt', 40 * MiB)
      harness.api.fault = ({ url }) => (url.pathname.endsWith('/parts') ? partsThatLive(5, 5) : null)
      const page = await openPage(harness)
      await throttleUploads(page, 2 * MiB)
      await choose(page, file.path)
      const { record } = await outcome(page, await start(page))
      await page.close()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
      expect(harness.api.seen.filter(({ url }) => url.pathname.endsWith('/parts')).length).toBeGreaterThan(1)
      expect([...partRequests(harness).values()].flat()).toEqual([200, 200, 200, 200, 200])
    })

    it.for([
      { name: 'in parts', bytes: 24 * MiB },
      { name: 'in one request', bytes: 12 * MiB },
    ])('reports a file that is edited during the upload and confirms nothing, $name', async ({ bytes }) => {
      needs('files on disk')
      needs('growing files')
      const { harness } = running
      const filename = `edited-${bytes}.txt`
      const before = await reservedBytes(harness)
      const file = await textFile(harness, filename, bytes)
      const page = await openPage(harness)
      await throttleUploads(page, 3 * MiB)
      await choose(page, file.path)
      const task = await start(page)
      await waitForBytes(page, task, 2 * MiB)
      await appendFile(file.path, 'one more line')
      const { error } = await outcome(page, task)
      expect(error).toMatchObject({ code: 'file-changed', retryable: false })
      await expect.poll(() => reservedBytes(harness), patient).toBeLessThanOrEqual(before)
      await page.close()
      expect((await storedFiles(harness)).filter((f) => f.filename === filename)).toEqual([])
      expect(harness.api.seen.filter(({ url }) => /\/(complete|confirm)$/.test(url.pathname))).toEqual([])
    })

    it('does not need the ETag, which a bucket may hide', async () => {
      const { harness } = running
      const file = await textFile(harness, 'hidden-etag.txt', 24 * MiB)
      harness.store.fault = ({ method }) =>
        method === 'PUT' ? { kind: 'headers', headers: { 'access-control-expose-headers': null, etag: null } } : null
      const page = await openPage(harness)
      await choose(page, file.path)
      const { record } = await outcome(page, await start(page))
      await page.close()
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
    })

    it('reports a type that is not allowed without retrying', async () => {
      const { harness } = running
      const page = await openPage(harness)
      const { error } = await page.evaluate(() =>
        postern.outcome(postern.start(new File(['MZ'], 'setup.exe', { type: 'application/x-msdownload' }))),
      )
      await page.close()
      expect(error).toMatchObject({ code: 'type-rejected', status: 415, retryable: false })
      expect(harness.api.seen).toHaveLength(1)
      expect(harness.store.seen).toEqual([])
    })

    it('reports a file that is too large for the server or for a proxy without retrying', async () => {
      const { harness } = running
      const page = await openPage(harness)
      const first = await page.evaluate(() => {
        const large = new File([new Blob([new Uint8Array(101 * 2 ** 20)])], 'large.txt', { type: 'text/plain' })
        return postern.outcome(postern.start(large))
      })
      expect(first.error).toMatchObject({ code: 'too-large', status: 413, retryable: false })
      expect(harness.api.seen).toHaveLength(1)
      harness.store.fault = () => ({ kind: 'answer', status: 413, early: true })
      const second = await page.evaluate(() =>
        postern.outcome(postern.start(new File(['x'.repeat(2 ** 20)], 'refused.txt', { type: 'text/plain' }))),
      )
      await page.close()
      expect(second.error).toMatchObject({ code: 'too-large', status: 413, retryable: false })
      expect(harness.store.seen).toHaveLength(1)
    })

    if (!showsRefusals) return
    it('does not retry a request with an invalid signature', async () => {
      const { harness } = running
      harness.store.fault = ({ method }) => (method === 'PUT' ? { kind: 'tamper' } : null)
      const page = await openPage(harness)
      const { error } = await page.evaluate(() =>
        postern.outcome(postern.start(new File(['text'], 'tampered.txt', { type: 'text/plain' }))),
      )
      await page.close()
      expect(error).toMatchObject({ code: 'server', status: 403, s3Code: 'SignatureDoesNotMatch', retryable: false })
      expect(harness.store.seen.filter(({ method }) => method === 'PUT')).toHaveLength(1)
    })
  })
}
