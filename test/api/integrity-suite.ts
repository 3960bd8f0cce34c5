/**
 * Readers never see unverified headers from the sender of the bytes. Disk, a bucket and a proxied bucket run this suite
 * over real HTTP.
 */
import { describe, expect, test } from 'vitest'
import type { ObjectHead } from '../../src/drivers/driver.ts'
import type { RunningGateway } from '../fixtures/gateway.ts'
import { call, download, downloadText, put, textFile, upload, type Answer, type Caller, type Json } from './caller.ts'
import { withGateway, type Bench, type Start } from './invariants.ts'

/** What an uploader may add to the PUT of a URL that signs no more than the type. */
const added = {
  'cache-control': 'public, max-age=31536000, immutable',
  'content-disposition': 'inline; filename="login.html"',
  'content-language': 'tlh',
  expires: 'Wed, 01 Jan 2099 00:00:00 GMT',
}

export const integritySuite = (name: string, start: Start): void =>
  withGateway(`${name}, what the sender adds to the bytes`, start, (bench) => {
    encodings(bench)
    sealedHeaders(bench)
  })

/** Whether the bytes go straight to a bucket, which does not ask the gateway. */
const isDirect = ({ objectsUrl }: RunningGateway): boolean => objectsUrl === ''

const routes: readonly [string, (user: Caller) => Promise<Json>][] = [
  ['/files/upload-url', async (user) => (await user.post('/files/upload-url', textFile)).json],
  ['/api/upload-url', async (user) => (await user.post('/api/upload-url', textFile)).json],
  [
    '/files/upload-url for a file without a type',
    async (user) => (await user.post('/files/upload-url', { filename: 'note.txt' })).json,
  ],
  [
    '/files/upload-url with writeOnce',
    async (user) => (await user.post('/files/upload-url', { ...textFile, writeOnce: true })).json,
  ],
  [
    'a renewal',
    async (user) => {
      const { id } = (await user.post('/files/upload-url', textFile)).json
      return (await user.post(`/files/${id}/upload-url`)).json
    },
  ],
]

function encodings({ shared, newUser, expectGone }: Bench): void {
  /** Our endpoint refuses the PUT. A bucket takes it, and the confirmation fails. */
  async function expectRefused(user: Caller, { id, key }: Json, sent: Answer): Promise<void> {
    const { status, json } = await user.post('/files/confirm', { id })
    const onS3 = [200, 422, 'UploadMismatch']
    expect([sent.status, status, json.code]).toEqual(isDirect(shared()) ? onS3 : [403, 409, 'UploadIncomplete'])
    const named = sent.text.includes('<HeadersNotSigned>content-encoding</HeadersNotSigned>')
    expect(named).toBe(!isDirect(shared()))
    await expectGone(key)
  }

  describe('a content coding that was not signed', () => {
    test.each(routes)('is refused on a URL of %s', async (_, issue) => {
      const alice = await newUser()
      for (const coding of ['br', 'gzip', 'deflate', 'aws-chunked, br', 'identity']) {
        const issued = await issue(alice)
        const sent = await put(issued, 'decodes to something else', { ...issued.headers, 'content-encoding': coding })
        await expectRefused(alice, issued, sent)
      }
      expect((await alice.get('/files/usage')).json).toMatchObject({ bytes: 0, files: 0 })
    })

    test('leaves the upload pending, and the bytes can be sent again without it', async () => {
      const alice = await newUser()
      const issued = (await alice.post('/files/upload-url', textFile)).json
      await put(issued, 'x', { ...issued.headers, 'content-encoding': 'br' })
      expect((await put(issued, 'text')).status).toBe(200)
      expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(201)
      expect(await downloadText(alice, issued.id)).toBe('text')
    })

    test('is refused in a form', async () => {
      const alice = await newUser()
      const { json } = await alice.post('/files/upload-url', { ...textFile, method: 'POST' })
      const form = new FormData()
      for (const [name, value] of Object.entries(json.fields ?? {})) form.set(name, value)
      form.set('Content-Encoding', 'br')
      form.set('file', new Blob(['text']), 'note.txt')
      expect((await call(json.uploadUrl, { method: 'POST', body: form })).status).toBe(403)
      await expectGone(json.key)
    })
  })

  test('the transfer coding of SDKs is not a content coding', async () => {
    const alice = await newUser()
    const { json } = await alice.post('/files/upload-url', textFile)
    const sent = await put(json, 'text', { ...json.headers, 'content-encoding': 'aws-chunked' })
    expect(sent.status).toBe(200)
    expect((await alice.post('/files/confirm', { id: json.id })).status).toBe(201)
    const served = await download(alice, json.id)
    expect(served.headers.get('content-encoding')).toBeNull()
    expect(await served.text()).toBe('text')
  })
}

function sealedHeaders({ start, shared, newUser }: Bench): void {
  /** The object of a confirmed file, and what a reader of its issued key would get. */
  async function heads(
    key: string,
    owner: string,
    of = shared(),
  ): Promise<{ sealed: ObjectHead; issued?: ObjectHead }> {
    const { catalog, driver, config } = of.gateway
    const found = await catalog.findUploadByKey(key)
    expect(found?.file.owner).toBe(owner)
    const { versionId, ...ref } = found!.file.object
    const sealed = await driver.headObject(
      { bucket: ref.bucket, key: ref.key },
      versionId === undefined ? {} : { versionId },
    )
    const issued = await driver.headObject({ bucket: config.storage.bucket, key }).catch(() => undefined)
    return { sealed, ...(issued && { issued }) }
  }

  const expectClean = (head: ObjectHead, expected: { contentType: string; contentDisposition?: string }): void => {
    const { contentType, contentDisposition, contentEncoding, contentLanguage, cacheControl, expires } = head
    expect({ contentType, contentDisposition, contentEncoding, contentLanguage, cacheControl, expires }).toEqual({
      contentDisposition: undefined,
      contentEncoding: undefined,
      contentLanguage: undefined,
      cacheControl: undefined,
      expires: undefined,
      ...expected,
    })
    expect(Object.keys(head.metadata ?? {})).toEqual([])
    expect(head.tagCount ?? 0).toBe(0)
  }

  const pdf = { filename: 'paper.pdf', mimeType: 'application/pdf' }

  describe('headers of the PUT', () => {
    test.each([
      ['of a text', textFile, 'text', undefined],
      ['of a document', pdf, '%PDF-1.4\n', 'attachment'],
      ['of a URL that writes once', { ...pdf, writeOnce: true }, '%PDF-1.4\n', 'attachment'],
      ['of a public file', { ...pdf, visibility: 'public' }, '%PDF-1.4\n', 'attachment'],
      ['of a file that confirms itself', { ...textFile, autoConfirm: true }, 'text', undefined],
      ['of a file without a declared type', { filename: 'note.txt' }, 'text', undefined],
    ])('do not survive the confirmation %s', async (_, fields, bytes, contentDisposition) => {
      const alice = await newUser()
      const { json } = await alice.post('/files/upload-url', fields)
      expect((await put(json, bytes, { ...json.headers, ...added })).status).toBe(200)
      const confirmed = await alice.post('/files/confirm', { id: json.id })
      expect([200, 201]).toContain(confirmed.status)
      const owner = (await shared().gateway.catalog.findUploadByKey(json.key))!.file.owner
      const { sealed, issued } = await heads(json.key, owner)
      const { mimeType } = confirmed.json
      // The bytes prove the encoding of a text.
      const contentType = mimeType === 'text/plain' ? `${mimeType}; charset=utf-8` : mimeType
      const expected = { contentType, ...(contentDisposition === undefined ? {} : { contentDisposition }) }
      expectClean(sealed, expected)
      expectClean(issued ?? sealed, expected)

      const served = await download(alice, json.id)
      expect(served.headers.get('cache-control') ?? 'none').not.toContain('max-age=31536000')
      expect(served.headers.get('content-language')).toBeNull()
      expect(served.headers.get('expires')).toBeNull()
      expect(served.headers.get('content-disposition')).not.toContain('login.html')
      const shown = confirmed.json.publicUrl ? await fetch(confirmed.json.publicUrl) : await download(alice, json.id)
      expect(await shown.text()).toBe(bytes)
      expect(shown.headers.get('content-disposition')).toMatch(contentDisposition ?? /inline/)
      for (const name of ['content-language', 'expires']) expect(shown.headers.get(name)).toBeNull()
      expect(shown.headers.get('cache-control') ?? 'none').not.toContain('max-age=31536000')
    })

    test('tags, metadata and an ACL do not reach readers, even if the store accepts them unsigned', async () => {
      const alice = await newUser()
      const { json } = await alice.post('/files/upload-url', pdf)
      const extra = { 'x-amz-tagging': 'a=b', 'x-amz-meta-a': 'b', 'x-amz-acl': 'public-read' }
      const sent = await put(json, '%PDF-1.4\n', { ...json.headers, ...extra })
      // AWS and our own endpoint refuse what is not signed, Ceph takes it.
      expect(sent.status).toBe(isDirect(shared()) ? 200 : 403)
      if (sent.status !== 200) await put(json, '%PDF-1.4\n')
      expect((await alice.post('/files/confirm', { id: json.id })).status).toBe(201)
      const { file } = (await shared().gateway.catalog.findUploadByKey(json.key))!
      const { sealed } = await heads(json.key, file.owner)
      expectClean(sealed, { contentType: 'application/pdf', contentDisposition: 'attachment' })
      const anonymous = await fetch((await alice.get(`/files/${json.id}/download-url`)).json.downloadUrl.split('?')[0]!)
      expect(anonymous.status).toBe(403)
    })

    test('they do not stay at the key that a CDN reads', async () => {
      const behindCdn = await start({ downloads: { publicBaseUrl: 'https://cdn.example.com' } })
      try {
        const bob = await newUser(behindCdn)
        for (const more of [{}, { writeOnce: true }]) {
          const { json } = await bob.post('/files/upload-url', { ...pdf, size: 9, visibility: 'public', ...more })
          expect((await put(json, '%PDF-1.4\n', { ...json.headers, ...added })).status).toBe(200)
          expect((await bob.post('/files/confirm', { id: json.id })).status).toBe(201)
          const { file } = (await behindCdn.gateway.catalog.findUploadByKey(json.key))!
          const { sealed, issued } = await heads(json.key, file.owner, behindCdn)
          const expected = { contentType: 'application/pdf', contentDisposition: 'attachment' }
          expectClean(sealed, expected)
          expectClean(issued!, expected)
        }
      } finally {
        await behindCdn.close()
      }
    })

    test('a multipart upload never has any', async () => {
      const alice = await newUser()
      const { json } = await alice.post('/files/multipart', { ...pdf, size: 9 })
      const { parts } = (await alice.post(`/files/multipart/${json.id}/parts`, { partNumbers: [1] }))
        .json as unknown as { parts: { url: string; headers: Record<string, string> }[] }
      const sent = await call(parts[0]!.url, {
        method: 'PUT',
        body: '%PDF-1.4\n',
        headers: { ...parts[0]!.headers, ...added, 'content-encoding': 'br' },
      })
      expect(sent.status).toBe(200)
      expect((await alice.post(`/files/multipart/${json.id}/complete`)).status).toBe(201)
      const { file } = (await shared().gateway.catalog.findUploadByKey(json.key))!
      const { sealed } = await heads(json.key, file.owner)
      expectClean(sealed, { contentType: 'application/pdf', contentDisposition: 'attachment' })
    })
  })

  test('a client that sends the content type alone works as before', async () => {
    const alice = await newUser()
    const { id } = await upload(alice, 'text')
    expect((await alice.post('/files/confirm', { id })).status).toBe(201)
    expect(await downloadText(alice, id)).toBe('text')
  })
}
