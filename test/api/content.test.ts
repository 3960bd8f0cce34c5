/** Security cases 100 to 102: bytes that differ from their grant, or that harm the person who opens them. */
import { deflateSync } from 'node:zlib'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { alice, gateway, serveAlice } from './alice.ts'
import { as, stateOf, store, upload, type Caller } from './caller.ts'

serveAlice()

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const u32 = (n: number) => n.toString(16).padStart(8, '0')
const pngHeader = (side: number) =>
  hex(`89504e470d0a1a0a 0000000d49484452 ${u32(side)} ${u32(side)} 0806000000 00000000`)
const jpeg = (side: number, before = 0) =>
  Buffer.concat([
    hex('ffd8'),
    ...Array.from({ length: before }, () => Buffer.concat([hex('ffe1 ffff'), Buffer.alloc(0xfffd)])),
    hex(`ffc0 0011 08 ${side.toString(16).padStart(4, '0').repeat(2)} 03 012200 021101 031101 ffda`),
  ])
const asf55 = Buffer.concat([hex('3026b2758e66cf11a6d900aa0062ce6c'), Buffer.alloc(39)])
const zipBomb = Buffer.concat([
  hex('504b03041400000008000000000000000000ffffffffffffffff0800'),
  Buffer.from('mimetype'),
  deflateSync(Buffer.alloc(50_000_000)),
])

test.each<[string, string, string | Buffer<ArrayBuffer>]>([
  ['HTML as PNG', 'image/png', '<!DOCTYPE html><script>alert(1)</script>'],
  ['SVG as PNG', 'image/png', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
  ['a zip as PNG', 'image/png', zipBomb],
  ['two letters as PNG', 'image/png', 'hi'],
  ['an empty PNG', 'image/png', ''],
  ['noise as PDF', 'application/pdf', Buffer.alloc(100, 7)],
  ['text as a workbook', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'a;b'],
  ['JSON as gzip', 'application/gzip', '{"a":1}'],
  ['text as MP3', 'audio/mpeg', 'la la la'],
  ['a program as text', 'text/plain', Buffer.concat([hex('4d5a90000300'), Buffer.alloc(100)])],
  ['a PNG of 60,000 × 60,000', 'image/png', pngHeader(60_000)],
  ['a JPEG of 60,000 × 60,000', 'image/jpeg', jpeg(60_000)],
  ['the same behind 200 KiB of metadata', 'image/jpeg', jpeg(60_000, 3)],
  ['a GIF of 60,000 × 60,000', 'image/gif', Buffer.concat([Buffer.from('GIF89a'), hex('60ea60ea800000')])],
  [
    'a WebP of 60,000 × 60,000',
    'image/webp',
    Buffer.concat([Buffer.from('RIFF    WEBPVP8X'), hex('0a00000000000000 5fea00 5fea00')]),
  ],
])('%s is 422 and removed', async (_, mimeType, bytes) => {
  const before = await stateOf(alice)
  const { id, key } = await upload(alice, bytes, { filename: 'x', mimeType })
  const { status, json } = await alice.post('/files/confirm', { id })
  expect([status, json.code]).toEqual([422, 'UploadMismatch'])
  expect(await stateOf(alice)).toEqual(before)
  const bucket = gateway.gateway.config.storage.bucket
  await expect(gateway.gateway.driver.headObject({ bucket, key })).rejects.toMatchObject({ code: 'NotFound' })
})

test.each<[string, string, string | Buffer<ArrayBuffer>]>([
  ['an image of a common size', 'image/png', pngHeader(4000)],
  ['a photograph with much metadata', 'image/jpeg', jpeg(6000, 3)],
  ['a 55-byte ASF', 'video/x-ms-wmv', asf55],
  ['a zip bomb, which nobody unpacks', 'application/zip', zipBomb],
  ['text about HTML', 'text/plain', '<html> is an element'],
  ['bytes nobody knows', 'audio/mpeg', Buffer.from([1, 2, 3, 4, 5])],
])('%s is accepted', async (_, mimeType, bytes) => {
  expect((await store(alice, bytes, { filename: 'x', mimeType })).mimeType).toBe(mimeType)
})

describe('with --dev', () => {
  const lines: string[] = []
  let dev: RunningGateway
  let bob: Caller
  beforeAll(async () => {
    dev = await startGateway(
      {},
      { dev: true, log: pino({ level: 'warn' }, { write: (line) => void lines.push(line) }) },
    )
    bob = await as(dev, 'bob')
  })
  afterAll(() => dev.close())

  test.each([
    ['letters', 'hi', 'its bytes are text'],
    ['noise', Buffer.from([1, 2, 3, 4]), 'do not start like'],
    ['nothing', '', 'empty (0 bytes)'],
    ['JSON', '{"a":1}', 'JSON'],
  ])('%s as PNG are confirmed with a warning on the record and in the log', async (_, bytes, words) => {
    const file = await store(bob, bytes, { filename: 'x.png', mimeType: 'image/png' })
    expect(file).toMatchObject({ status: 'confirmed', warning: expect.stringContaining(words) })
    expect((await bob.get(`/files/${file.id}`)).json.warning).toBe(file.warning)
    expect((await bob.get('/files')).json.files[0]?.warning).toBe(file.warning)
    const logged = lines.map((line) => JSON.parse(line) as { file?: string; warning?: string })
    expect(logged.filter((line) => line.file === file.id).map(({ warning }) => warning)).toEqual([file.warning])
  })

  test('a file with matching type has no warning', async () => {
    expect(await store(bob, pngHeader(10), { filename: 'x.png', mimeType: 'image/png' })).not.toHaveProperty('warning')
  })

  test.each([
    ['HTML', '<!DOCTYPE html><script>alert(1)</script>'],
    ['a zip', zipBomb],
    ['a form', '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nhi\r\n--x--\r\n'],
    ['an object turned into a string', '[object Object]'],
  ])('%s as PNG is still refused, and removed', async (_, bytes) => {
    const before = await stateOf(bob)
    const { id } = await upload(bob, bytes, { filename: 'x.png', mimeType: 'image/png' })
    expect((await bob.post('/files/confirm', { id })).json.code).toBe('UploadMismatch')
    expect(await stateOf(bob)).toEqual(before)
  })
})

test.each([
  [{ maxPixels: 1_000_000 }, 1000, 201],
  [{ maxPixels: 1_000_000 }, 1001, 422],
  [{ maxPixels: null }, 60_000, 201],
  [{ maxPixels: 1, sniff: false }, 60_000, 201],
])('with %o a PNG of %i pixels a side is answered %i', async (uploads, side, status) => {
  const limited = await startGateway({ uploads })
  try {
    const bob = await as(limited, 'bob')
    const { id } = await upload(bob, pngHeader(side), { filename: 'a.png', mimeType: 'image/png' })
    expect((await bob.post('/files/confirm', { id })).status).toBe(status)
  } finally {
    await limited.close()
  }
})

test('uploads.sniff: false accepts the type from the store', async () => {
  const trusting = await startGateway({ uploads: { sniff: false } })
  try {
    const bob = await as(trusting, 'bob')
    expect((await store(bob, '<html>', { filename: 'a.png', mimeType: 'image/png' })).status).toBe('confirmed')
  } finally {
    await trusting.close()
  }
})
