/** Media types as sent by browsers and operating systems, on the disk, in a bucket, and in a proxied bucket. */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { startBucketBehind, type BucketBehind } from '../fixtures/bucket-behind.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { as, download, put, stateOf, store, upload, type Caller } from './caller.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const png = hex('89504e470d0a1a0a 0000000d49484452 00000001 00000001 0806000000 1f15c489')
const webm = hex('1a45dfa3 9f4286810142f7810142f2810442f381084282847765626d 00000000')
const mp4 = Buffer.concat([hex('00000018'), Buffer.from('ftypisom'), Buffer.alloc(40)])
const zip = Buffer.concat([hex('504b0304 14000000 0800'), Buffer.alloc(40)])
const opus = Buffer.concat([
  Buffer.from('OggS\0\x02', 'latin1'),
  Buffer.alloc(20),
  hex('01 13'),
  Buffer.from('OpusHead'),
])

const far = hex('0200 0001 0400 01000000 60ea0000 0101 0400 01000000 50c30000 00000000')
const huge = {
  'image/tiff': Buffer.concat([Buffer.from('II*\0'), hex('48e80000'), Buffer.alloc(59_456), far]),
  'image/avif': hex(
    '0000001066747970 61766966 00000000 00000034 6d657461 00000000 00000028 69707270 00000020 6970636f ' +
      '00000014 69737065 00000000 0000ea60 0000c350 00000000',
  ),
  'image/bmp': Buffer.concat([
    Buffer.from('BM'),
    Buffer.alloc(12),
    hex('28000000 60ea0000 b03cffff'),
    Buffer.alloc(28),
  ]),
  'image/jxl': hex('ff0a 7c1a067ea9030000 0000'),
}

let behind: BucketBehind
beforeAll(async () => {
  behind = await startBucketBehind()
})
afterAll(() => behind.close())

describe.each(['disk', 'direct', 'proxied'] as const)('media types: %s', (kind) => {
  let gateway: RunningGateway
  let alice: Caller
  beforeAll(async () => {
    gateway = await (kind === 'disk' ? startGateway() : behind.start(kind))
    alice = await as(gateway, 'alice')
  })
  afterAll(() => gateway.close())

  it.each([
    ['video/webm;codecs=vp9,opus', webm],
    ['video/webm;', webm],
    ['video/mp4;codecs=avc1.64001f,mp4a.40.2', mp4],
    ['audio/ogg; codecs=opus', opus],
    ['audio/ogg', opus],
    ['application/x-zip-compressed', zip],
    ['image/x-png', png],
  ])('confirms and serves %s', async (mimeType, bytes) => {
    const file = await store(alice, bytes, { filename: 'a', mimeType })
    expect(file.mimeType).toBe(mimeType)
    const served = await download(alice, file.id)
    expect(served.headers.get('content-type')).toBe(mimeType)
    expect(Buffer.from(await served.arrayBuffer())).toEqual(bytes)
  })

  it('confirms text whose type ends in a semicolon', async () => {
    const file = await store(alice, 'Grüße', { mimeType: 'text/plain; charset=utf-8;' })
    expect(file.mimeType).toBe('text/plain; charset=utf-8;')
    expect(await (await download(alice, file.id)).text()).toBe('Grüße')
  })

  it.each([
    ['application/octet-stream', 'a.png', png, 'image/png'],
    ['', 'a.png', png, 'image/png'],
    ['application/vnd.ms-excel', 'a.csv', Buffer.from('a;b\n'), 'text/csv'],
  ])('takes the type from the name where a browser says %j of %s', async (type, filename, bytes, mimeType) => {
    const { status, json: issued } = await alice.post('/files/upload-url', { filename, mimeType: type })
    expect([status, issued.headers['content-type']]).toEqual([200, mimeType])
    // The browser sends its own word for the file with the bytes.
    expect((await put(issued, bytes, type === '' ? {} : { 'content-type': type })).status).toBe(200)
    const confirmed = await alice.post('/files/confirm', { id: issued.id, mimeType: type })
    expect(confirmed).toMatchObject({ status: 201, json: { mimeType } })
    expect((await download(alice, issued.id)).headers.get('content-type')).toContain(mimeType)
  })

  it.each([
    ['UTF-8', 'text/plain', Buffer.from('Grüße, 世界\n'), 'text/plain; charset=utf-8'],
    ['ASCII', 'text/plain', Buffer.from('hello'), 'text/plain; charset=utf-8'],
    ['Markdown', 'text/markdown', Buffer.from('# Grüße'), 'text/markdown; charset=utf-8'],
    ['with a parameter', 'text/plain; format=flowed;', Buffer.from('é'), 'text/plain; format=flowed; charset=utf-8'],
    [
      'a character that the sample cuts',
      'text/plain',
      Buffer.from(`${'a'.repeat(4099)}é`),
      'text/plain; charset=utf-8',
    ],
    ['ISO 8859-1', 'text/plain', Buffer.from('Gr\xfc\xdfe', 'latin1'), 'text/plain'],
    ['with an encoding of its own', 'text/plain; charset=us-ascii', Buffer.from('a'), 'text/plain; charset=us-ascii'],
    ['JSON', 'application/json', Buffer.from('{"a":"é"}'), 'application/json'],
    ['empty', 'text/plain', Buffer.alloc(0), 'text/plain'],
  ])('serves text with the encoding that its bytes prove: %s', async (_, mimeType, bytes, served) => {
    const file = await store(alice, bytes, { mimeType, filename: 'a' })
    expect(file.mimeType).toBe(mimeType)
    const got = await download(alice, file.id)
    expect(got.headers.get('content-type')).toBe(served)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(bytes)
    const { json } = await alice.get(`/files/${file.id}/download-url?disposition=attachment`)
    expect((await fetch(json.downloadUrl)).headers.get('content-type')).toBe(served)
  })

  it('serves public text with its encoding, to anyone', async () => {
    const { publicUrl } = await store(alice, 'Grüße', { visibility: 'public' })
    expect((await fetch(publicUrl!)).headers.get('content-type')).toBe('text/plain; charset=utf-8')
  })

  it('refuses an image of too many pixels wherever its header is, and deletes it', async () => {
    const before = await stateOf(alice)
    for (const [mimeType, bytes] of Object.entries(huge)) {
      const { id } = await upload(alice, bytes, { filename: 'a', mimeType })
      const { status, json } = await alice.post('/files/confirm', { id })
      expect([status, json.code]).toEqual([422, 'UploadMismatch'])
      expect(json.detail).toContain(
        '60000 × 50000 pixels, 3000 million, over the limit of 100 million (uploads.maxPixels)',
      )
    }
    expect(await stateOf(alice)).toEqual(before)
  })

  it('accepts text that starts like an image', async () => {
    for (const text of ['GIF89a is how it begins', 'BMW builds cars, and so do others']) await store(alice, text)
    expect((await alice.get('/files')).status).toBe(200)
  })

  it('gives a file with a wrong extension the one of its type', async () => {
    const { key } = await store(alice, 'not a page', { filename: 'index.html' })
    expect(key).toMatch(/\.txt$/)
  })

  it.each([
    ['image/png;a=b,text/html', 400, 'InvalidArgument', 'is not a media type'],
    ['text/html', 415, 'TypeNotAllowed', 'uploads.allowedTypes'],
    ['application/x-msdownload', 415, 'TypeNotAllowed', 'uploads.allowedTypes'],
  ])('refuses %s and reserves nothing', async (mimeType, status, code, words) => {
    const before = await stateOf(alice)
    for (const path of ['/files/upload-url', '/files/multipart']) {
      const answer = await alice.post(path, { filename: 'a', mimeType })
      expect(answer).toMatchObject({ status, json: { code, detail: expect.stringContaining(words) } })
    }
    expect(await stateOf(alice)).toEqual(before)
  })
})

test('keeps application/octet-stream if it is allowed and the type of the file name is not', async () => {
  const gateway = await startGateway({ uploads: { allowedTypes: ['application/octet-stream', 'application/x-gzip'] } })
  try {
    const alice = await as(gateway, 'alice')
    const page = await store(alice, '<html>', { filename: 'a.html', mimeType: 'application/octet-stream' })
    expect(page).toMatchObject({ mimeType: 'application/octet-stream', key: expect.stringMatching(/\.bin$/) })
    expect((await alice.post('/files/upload-url', { filename: 'a.html' })).status).toBe(415)
    expect((await alice.post('/files/upload-url', { filename: 'a', mimeType: 'application/gzip' })).status).toBe(200)
  } finally {
    await gateway.close()
  }
})
