/** `objects.sendfile`: the headers for the front proxy. test/packaging/nginx.packaging.ts tests nginx itself. */
import { readFileSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { put as putTo, ref as refOf, startDisk } from '../drivers/start-disk.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { startEndpoint, type Endpoint } from './endpoint.ts'

const large = Buffer.alloc(2 ** 20, 'large')
let accel: Endpoint
let sendfile: Endpoint

async function fill(endpoint: Endpoint): Promise<void> {
  const put = async (path: string, body: Buffer | string, headers: Record<string, string> = {}): Promise<void> => {
    expect(await endpoint.signed('alice', 'PUT', path, { body, headers })).toMatchObject({ status: 200 })
  }
  await put('/alices', '')
  await put('/alices/large', large)
  await put('/alices/small', 'small')
  await put('/alices/empty', '')
  await put('/alices/described', large, { 'x-amz-meta-album': '2026' })
}

beforeAll(async () => {
  accel = await startEndpoint({ sendfile: 'x-accel' })
  sendfile = await startEndpoint({ sendfile: 'x-sendfile' })
  await Promise.all([fill(accel), fill(sendfile)])
})
afterAll(() => Promise.all([accel?.close(), sendfile?.close()]))

const read = (endpoint: Endpoint, key: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
  endpoint.signed('alice', 'GET', `/alices/${key}`, { headers })

const redirect = 'x-accel-redirect'
const pointerOf = ({ headers }: RawAnswer): string | undefined => headers.get(redirect) ?? headers.get('x-sendfile')

describe('a response that the front proxy sends', () => {
  it('has no bytes, no range, and a path below the internal location without the key', async () => {
    for (const headers of [{}, { range: 'bytes=0-999999' }]) {
      const answer = await read(accel, 'large', headers)
      expect({ status: answer.status, length: answer.body.length }).toEqual({ status: 200, length: 0 })
      expect(answer.headers.get(redirect)).toMatch(/^\/_postern_blobs\/([0-9a-f]{2})\/([0-9a-f]{2})\/\1\2[0-9a-f]{28}$/)
      expect(answer.headers.get('content-length')).toBe('0')
      expect([...answer.headers.keys()]).not.toContain('content-range')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/)
    }
  })

  it('contains the encoded path of the file for a server that needs it', async () => {
    const answer = await read(sendfile, 'large')
    expect(answer.body.length).toBe(0)
    const file = decodeURIComponent(answer.headers.get('x-sendfile')!)
    expect(readFileSync(file).equals(large)).toBe(true)
    expect(answer.headers.get('x-sendfile')).not.toMatch(/[^A-Za-z0-9%/._~!*'()-]/)
  })

  it('does not make the file readable for others', async () => {
    const file = decodeURIComponent((await read(sendfile, 'large')).headers.get('x-sendfile')!)
    const mode = statSync(file).mode & 0o777
    expect(process.platform === 'win32' ? 0o600 : mode).toBe(0o600)
    const shared = await startDisk({ groupReads: true })
    await putTo(shared.driver, 'shared', large)
    const object = await shared.driver.getObject(refOf('shared'))
    const { file: readable } = object.localFile!()!
    await object.close()
    expect(process.platform === 'win32' ? 0o640 : statSync(readable).mode & 0o777).toBe(0o640)
  })

  it('can have metadata if the front proxy keeps every header', async () => {
    expect((await read(sendfile, 'described')).headers.get('x-amz-meta-album')).toBe('2026')
    expect(pointerOf(await read(sendfile, 'described'))).toBeDefined()
  })
})

describe('is sent by the gateway', () => {
  it.each([
    ['what is small', 'small', {}, 200],
    ['what is empty', 'empty', {}, 200],
    ['a small range', 'large', { range: 'bytes=5-9' }, 206],
    ['several ranges', 'large', { range: 'bytes=0-1,5-9' }, 200],
    ['what was asked for under a condition', 'large', { 'if-none-match': '"other"' }, 200],
    ['the whole where If-Range does not hold', 'large', { range: 'bytes=0-999999', 'if-range': '"other"' }, 200],
    ['what has headers that nginx would drop', 'described', {}, 200],
  ])('%s', async (_, key, headers, status) => {
    const answer = await read(accel, key, headers)
    expect({ status: answer.status, pointer: pointerOf(answer) }).toEqual({ status, pointer: undefined })
    const length = status === 206 ? 5 : key === 'small' ? 5 : key === 'empty' ? 0 : large.length
    expect(answer.body.length).toBe(length)
  })

  it.each(['bytes=0-99999999999999999999', 'bytes=0\t-999999', 'bytes=0- 999999'])(
    'a range in a notation that not every server reads as we do (%j)',
    async (range) => {
      const answer = await read(accel, 'large', { range })
      expect({ status: answer.status, pointer: pointerOf(answer) }).toEqual({ status: 206, pointer: undefined })
    },
  )

  it('a part by its number, and HEAD', async () => {
    const part = await accel.signed('alice', 'GET', '/alices/large', { query: { partNumber: '1' } })
    expect({ length: part.body.length, pointer: pointerOf(part) }).toEqual({ length: large.length, pointer: undefined })
    const head = await accel.signed('alice', 'HEAD', '/alices/large')
    expect(head.headers.get('content-length')).toBe(String(large.length))
    expect(pointerOf(head)).toBeUndefined()
  })

  it('an object of several parts', async () => {
    const ref = { bucket: 'alices', key: 'joined' }
    const { uploadId } = await accel.store.createMultipartUpload(ref)
    const parts = []
    for (const [partNumber, size] of [
      [1, 5 * 2 ** 20],
      [2, 2 ** 20],
    ] as const) {
      const bytes = Readable.from([Buffer.alloc(size, partNumber)], { objectMode: false })
      const { etag } = await accel.store.uploadPart(ref, uploadId, partNumber, bytes, { contentLength: size })
      parts.push({ partNumber, etag })
    }
    await accel.store.completeMultipartUpload(ref, uploadId, parts)
    const url = accel.url + accel.target('alice', 'GET', 'alices', 'joined')
    const whole = await fetch(url)
    expect(whole.headers.get(redirect)).toBeNull()
    expect((await whole.arrayBuffer()).byteLength).toBe(6 * 2 ** 20)
    // Such a range lies in one file, but not where the object has it.
    const range = await fetch(url, { headers: { range: `bytes=${5 * 2 ** 20}-` } })
    expect({ status: range.status, pointer: range.headers.get(redirect) }).toEqual({ status: 206, pointer: null })
    expect(Buffer.from(await range.arrayBuffer()).equals(Buffer.alloc(2 ** 20, 2))).toBe(true)
  })
})

describe('no file path is sent', () => {
  it('to clients without read access', async () => {
    const forged = accel.target('alice', 'GET', 'alices', 'large').replace(/(X-Amz-Signature=)./, '$1_')
    const refused = [
      await accel.raw('GET', forged),
      await accel.raw('GET', '/alices/large'),
      await accel.signed('bob', 'GET', '/alices/large'),
      await read(accel, 'large', { 'if-match': '"other"' }),
      await read(accel, 'large', { range: 'bytes=9999999-' }),
    ]
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 412, 416])
    for (const answer of refused) expect(pointerOf(answer)).toBeUndefined()
  })

  it('if the bytes are missing', async () => {
    const before = (await accel.state()).files
    await accel.signed('alice', 'PUT', '/alices/lost', { body: large })
    const blob = (await accel.state()).files.find((file) => !before.includes(file))!
    const there = await accel.store.getObject({ bucket: 'alices', key: 'large' })
    const { file, below } = there.localFile!()!
    await there.close()
    await rm(join(file.slice(0, -below.length), '..', blob))
    const answer = await read(accel, 'lost')
    expect({ status: answer.status, pointer: pointerOf(answer) }).toEqual({ status: 500, pointer: undefined })
  })
})
