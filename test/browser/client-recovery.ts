/** Lost uploads, digests that do not match, and Workers that are not available. */
import { describe, expect, it } from 'vitest'
import {
  choose,
  type ClientPage,
  MiB,
  openPage,
  outcome,
  start,
  startSlowly,
  storedSha256,
  textFile,
  waitForBytes,
} from './client-harness.ts'
import type { Running } from './client-suite.ts'

declare const postern: ClientPage

export function recovery(running: Running): void {
  describe('restarts', () => {
    it('restarts an upload that no longer exists on the server', async () => {
      const { harness } = running
      const { file, page, task } = await startSlowly(harness, 'gone.txt', { size: 32 * MiB, rate: 8 * MiB })
      await waitForBytes(page, task, 6 * MiB)
      const lost = await page.evaluate(() => postern.tasks[0]!.getSnapshot().fileId)
      const ended = await fetch(`${harness.gateway.apiUrl}/files/multipart/${lost}`, { method: 'DELETE' })
      expect(ended.status).toBe(204)
      const { record, error } = await outcome(page, task)
      await page.close()
      expect(error).toBeUndefined()
      expect(record!.id).not.toBe(lost)
      expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
    })

    it('reads the file again after a digest mismatch, but only once', async () => {
      const { harness } = running
      const body = '<Error><Code>BadDigest</Code><Message>The digests differ.</Message></Error>'
      let times = 1
      harness.store.fault = ({ method }) =>
        method === 'PUT' && times-- > 0 ? { kind: 'answer', status: 400, body } : null
      const page = await openPage(harness)
      const upload = () =>
        page.evaluate(() => postern.outcome(postern.start(new File(['text'], 'digest.txt', { type: 'text/plain' }))))
      expect((await upload()).record).toMatchObject({ filename: 'digest.txt', size: 4 })
      times = 5
      expect((await upload()).error).toMatchObject({ code: 'checksum', s3Code: 'BadDigest' })
      await page.close()
      expect(harness.store.seen.filter(({ method }) => method === 'PUT')).toHaveLength(4)
    })

    it.for([true, false])('computes checksums, with a Worker: %s', async (hasWorker) => {
      const { harness } = running
      const file = await textFile(harness, 'worker.txt', 3 * MiB)
      const page = await openPage(harness)
      const workers: string[] = []
      page.on('worker', (worker) => workers.push(new URL(worker.url()).pathname))
      if (!hasWorker) await page.route('**/checksum-worker.js', (route) => route.abort())
      await choose(page, file.path)
      const { record } = await outcome(page, await start(page, { checksum: 'always' }))
      await page.close()
      expect(workers.filter(() => hasWorker)).toEqual(hasWorker ? ['/client/checksum-worker.js'] : [])
      const { value } = record!.checksum as { value: string }
      expect(Buffer.from(value, 'base64').toString('hex')).toBe(file.sha256)
    })
  })
}
