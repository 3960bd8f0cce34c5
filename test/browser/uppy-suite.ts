/** Uppy 4, 5 and 6 with the server's address or with our client's options. Both drivers run this suite. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  calm,
  MiB,
  partRequests,
  reservedBytes,
  sha256,
  startHarness,
  storedFiles,
  storedSha256,
  type Backend,
  type Harness,
} from './client-harness.ts'
import { throttleUploads } from './throttle.ts'
import {
  buildUppy,
  majors,
  openUppy,
  startUppy,
  tellUppy,
  uppyBytes,
  uppyOutcome,
  waitForLoaded,
  type Major,
  type Way,
} from './uppy-page.ts'
import { limit } from '../fixtures/time-limit.ts'

type Case = { major: Major; way: Way }
const ways: Case[] = majors.flatMap((major) => [
  { major, way: 'companion' },
  { major, way: 'client' },
])
const mode = ({ major, way }: Case): string =>
  `Uppy ${major} ${way === 'client' ? 'with the options of our client' : 'with the address of the server'}`

export function uppySuite(where: string, backend: Backend): void {
  describe(`Uppy, ${where}`, { timeout: limit(180_000) }, () => {
    let harness: Harness
    let page: Page | undefined
    beforeAll(async () => {
      harness = await startHarness(backend)
      await buildUppy(harness.folder)
    }, 180_000)
    afterAll(() => harness?.close())
    afterEach(async () => {
      await page?.close()
      calm(harness)
    })

    describe.each(ways.map((one) => [mode(one), one] as const))('%s', (_, how) => {
      const open = async (options: object): Promise<Page> => (page = await openUppy(harness, { ...how, options }))
      const named = (what: string): string => `${what} ${how.major} ${how.way} é (1).txt`
      const stored = async (filename: string) => {
        const all = (await storedFiles(harness)) as (Record<string, unknown> & { id: string })[]
        return all.filter((file) => file['filename'] === filename)
      }
      const expectStored = async (name: string, size: number) => {
        const expected = { status: 'confirmed', size, mimeType: 'text/plain', metadata: { album: '7' } }
        // What a bucket received, the collector settles soon after.
        const files = await vi.waitFor(
          async () => {
            const found = await stored(name)
            expect(found).toMatchObject([expected])
            return found
          },
          { timeout: limit(20_000), interval: 100 },
        )
        expect(await storedSha256(harness, files[0]!.id)).toBe(sha256(uppyBytes(size)))
        return files[0]!
      }

      it('sends a file in one request, and an empty one', async () => {
        for (const size of [100_000, 0]) {
          const name = named(`single ${size}`)
          await open({ shouldUseMultipart: false })
          await startUppy(page!, { name, type: 'text/plain', size, meta: { album: 7 } })
          const { successful, failed } = await uppyOutcome(page!)
          expect(failed).toEqual([])
          const { key } = await expectStored(name, size)
          expect(successful).toMatchObject([{ uploadURL: expect.stringContaining('://'), body: { key } }])
          await page!.close()
        }
      })

      it('sends a file in parts, with rising progress', async () => {
        const name = named('parts')
        await open({ shouldUseMultipart: true, partSize: 5 * MiB })
        await startUppy(page!, { name, type: 'text/plain', size: 11 * MiB, meta: { album: 7 } })
        const { successful, failed, loaded, parts } = await uppyOutcome(page!)
        expect(failed).toEqual([])
        expect(parts.toSorted((a, b) => a - b)).toEqual([1, 2, 3])
        expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
        expect(loaded.at(-1)).toBe(11 * MiB)
        const file = await expectStored(name, 11 * MiB)
        const { location } = successful[0]!.body
        expect(location).toBe(`${harness.gateway.apiUrl}/files/${file.id}/content`)
        const content = await fetch(location!)
        expect(sha256(new Uint8Array(await content.arrayBuffer()))).toBe(sha256(uppyBytes(11 * MiB)))
        expect([...partRequests(harness)]).toEqual(expect.arrayContaining([1, 2, 3].map((n) => [n, [200]])))
      })

      it('continues after a pause without resending finished parts', async () => {
        const name = named('pause')
        await open({ shouldUseMultipart: true, partSize: 5 * MiB, limit: 1 })
        const setOffline = await throttleUploads(page!, 4 * MiB)
        await startUppy(page!, { name, type: 'text/plain', size: 16 * MiB, meta: { album: 7 } })
        await waitForLoaded(page!, 6 * MiB)
        await tellUppy(page!, 'pauseAll')
        await setOffline(false)
        const before = partRequests(harness).get(1)
        await tellUppy(page!, 'resumeAll')
        const { failed } = await uppyOutcome(page!)
        expect(failed).toEqual([])
        expect(before).toEqual([200])
        expect(partRequests(harness).get(1)).toEqual([200])
        await expectStored(name, 16 * MiB)
      })

      it('leaves nothing after a cancel', async () => {
        const name = named('cancel')
        const before = await reservedBytes(harness)
        await open({ shouldUseMultipart: true, partSize: 5 * MiB })
        await throttleUploads(page!, 2 * MiB)
        await startUppy(page!, { name, type: 'text/plain', size: 16 * MiB })
        await waitForLoaded(page!, MiB)
        expect(await reservedBytes(harness)).toBeGreaterThan(before)
        await tellUppy(page!, 'cancelAll')
        await expect.poll(() => reservedBytes(harness), { timeout: limit(20_000) }).toBe(before)
        expect(await stored(name)).toEqual([])
      })

      it('explains why a file is rejected', async () => {
        await open({ shouldUseMultipart: false })
        await startUppy(page!, { name: 'setup.exe', type: 'application/x-msdownload', size: 10 })
        const { failed, successful } = await uppyOutcome(page!)
        expect(successful).toEqual([])
        // Uppy 6 reads nothing but the status of a Companion server's answer.
        const words = how.major === 6 && how.way === 'companion' ? /Unsupported Media Type/ : /is not allowed here/
        expect(failed).toEqual([expect.stringMatching(words)])
      })
    })
  })
}
