/** What /readyz finds out about a bucket that accepts connections and never answers. Waits for the real time limits. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RunningGateway } from '../fixtures/gateway.ts'
import { startOnOwnBucket } from '../fixtures/gateway-on-own-bucket.ts'
import { limit } from '../fixtures/time-limit.ts'
import { askForUploadUrls } from './ask-for-upload-urls.ts'
import { as, call, textFile, type Answer } from './caller.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function openOnOwnBucket(o?: Parameters<typeof startOnOwnBucket>[0]) {
  const all = await startOnOwnBucket(o)
  closing.push(() => all.close())
  return all
}

/** Faults must show within 10 s; a busy machine is given more. */
const soon = { timeout: limit(30_000), interval: 100 }

const readiness = (gateway: RunningGateway, headers: Record<string, string> = {}): Promise<Answer> =>
  call(`${gateway.apiUrl}/readyz`, { headers })

const untilReadinessIs = (gateway: RunningGateway, status: number): Promise<Answer> =>
  vi.waitFor(async () => {
    const answer = await readiness(gateway)
    expect(answer.status).toBe(status)
    return answer
  }, soon)

describe('on the s3 driver', () => {
  it.each(['direct', 'proxied'] as const)(
    'is 503 while the bucket (%s) accepts and never answers, and ready again after it does',
    async (delivery) => {
      const { gateway, proxy } = await openOnOwnBucket({ delivery })
      const alice = await as(gateway, 'alice')
      const { id } = (await alice.post('/files/upload-url', textFile)).json
      const multipart = (await alice.post('/files/multipart', { ...textFile, size: 12 })).json.id
      expect((await readiness(gateway)).status).toBe(200)
      proxy.change('stall')
      await untilReadinessIs(gateway, 503)
      // The first finding may be that a running request failed.
      const detail = async (): Promise<unknown> => (await readiness(gateway)).json.detail
      await expect.poll(detail, { timeout: limit(30_000) }).toContain('does not answer')
      for (const answer of await askForUploadUrls(gateway, id, multipart)) {
        expect(answer).toMatchObject({ status: 503, json: { code: 'Unavailable' } })
      }
      expect((await call(`${gateway.apiUrl}/healthz`)).status).toBe(200)
      proxy.change('pass')
      await untilReadinessIs(gateway, 200)
      expect((await alice.post('/files/upload-url', textFile)).status).toBe(200)
    },
  )

  it('stops calling a bucket that does not respond, however many clients ask', async () => {
    const { gateway, proxy } = await openOnOwnBucket()
    const alice = await as(gateway, 'alice')
    const uploads = await Promise.all(Array.from({ length: 3 }, () => alice.post('/files/upload-url', textFile)))
    proxy.change('stall')
    // The calls that find out are ended by their own timeout.
    const first = await Promise.all(uploads.map(({ json }) => alice.post('/files/confirm', { key: json.key })))
    expect(first.map(({ status }) => status)).toEqual([503, 503, 503])
    const before = proxy.accepted
    const crowd = await Promise.all(
      Array.from({ length: 50 }, () => alice.post('/files/confirm', { key: uploads[0]!.json.key })),
    )
    expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([503]))
    expect(proxy.accepted - before).toBeLessThan(10)
    proxy.change('pass')
    await untilReadinessIs(gateway, 200)
    const late = await alice.post('/files/confirm', { key: uploads[0]!.json.key })
    expect(late.json.code).toBe('UploadIncomplete')
  })
})
