/** Pages of other origins can read redirected responses. Each browser enforces CORS differently. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { as, store } from '../api/caller.ts'
import { launchBrowser } from '../fixtures/browsers.ts'
import { startBucketBehind } from '../fixtures/bucket-behind.ts'
import { startGateway, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'
import { png } from '../fixtures/sample-image.ts'
import { startThirdOrigin } from './third-origin.ts'

type Started = { gateway: RunningGateway; close(): Promise<void> }
type Start = (overrides: Overrides) => Promise<Started>

const onDisk: Start = async (overrides) => {
  const gateway = await startGateway(overrides)
  return { gateway, close: () => gateway.close() }
}

const inBucket =
  (delivery: 'direct' | 'proxied'): Start =>
  async (overrides) => {
    const bucket = await startBucketBehind()
    const gateway = await bucket.start(delivery, overrides)
    return {
      gateway,
      async close() {
        await gateway.close()
        await bucket.close()
      },
    }
  }

const picture = new Uint8Array(png(3, 2, () => [255, 0, 0]))

describe.each([
  ['disk', onDisk, true],
  // A bucket that browsers reach by themselves counts no uses of a link.
  ['a bucket', inBucket('direct'), false],
  ['a bucket behind our own endpoint', inBucket('proxied'), true],
] as const)('%s', (_, start, hasLinks) => {
  let third: Awaited<ReturnType<typeof startThirdOrigin>>
  let browser: Browser
  let started: Started
  let page: Page
  let authorization: string
  let urls: { content: string; public: string; link?: string }

  beforeAll(async () => {
    third = await startThirdOrigin()
    started = await start({ cors: { origins: [third.url] } })
    const { gateway } = started
    browser = await launchBrowser()
    authorization = `Bearer ${await gateway.token('alice')}`
    const alice = await as(gateway, 'alice')
    const image = { filename: 'a.png', mimeType: 'image/png', size: picture.length }
    const file = await store(alice, picture, image)
    const open = await store(alice, picture, { ...image, visibility: 'public' })
    urls = { content: `${gateway.apiUrl}/files/${file.id}/content`, public: open.publicUrl ?? '' }
    const link = await alice.post(`/files/${file.id}/links`, {})
    if (hasLinks) urls.link = link.json.url
    page = await browser.newPage()
    await page.goto(`${third.url}/snippets.html`)
  })
  afterAll(async () => {
    await browser?.close()
    await started?.close()
    await third?.close()
  })

  const fetched = (url: string, headers: Record<string, string> = {}): Promise<[number, string | null]> =>
    page.evaluate(
      async ([to, sent]) => {
        const answer = await fetch(to, { headers: sent })
        return [(await answer.arrayBuffer()).byteLength, answer.headers.get('etag')] as [number, string | null]
      },
      [url, headers] as const,
    )

  it('fetch() follows the redirect of a public URL, of a link and of a file’s content, and reads the ETag', async () => {
    const expected = [picture.length, expect.stringMatching(/^"\w+"$/)]
    for (const url of [urls.public, urls.link ?? urls.public]) expect(await fetched(url)).toEqual(expected)
    expect(await fetched(urls.content, { authorization })).toEqual(expected)
  })

  it('an image with crossorigin is rendered, and its pixels can be read', async () => {
    const pixel = await page.evaluate(async (url) => {
      const image = new Image()
      image.crossOrigin = 'anonymous'
      image.src = url
      await image.decode()
      const context = document.createElement('canvas').getContext('2d')!
      context.drawImage(image, 0, 0)
      return [...context.getImageData(0, 0, 1, 1).data]
    }, urls.public)
    expect(pixel).toEqual([255, 0, 0, 255])
  })
})
