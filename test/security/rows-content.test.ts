/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Rows 69, 85, 97 to 99 and 106: types, names and fields of clients, and what is told to whom. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { put, store, textFile, upload } from '../api/caller.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { harness, serveAlice } from './alice.ts'
import { rawApi } from './harness.ts'

serveAlice({ key: 'there', body: 'there' })

describe('types and names', () => {
  test.each([
    'text/html',
    'TEXT/HTML',
    'text/html;charset=utf-8',
    'text/html; charset="image/png"',
    'application/xhtml+xml',
    'image/png, text/html',
    'image/png\r\ntext/html',
    'text/plain; a="é€"',
    'text/plain; a="\u0000"',
    'text/plain; a="\r\n"',
    '*/*',
    'image',
    '/',
  ])('97: the type %j is not granted', async (mimeType) => {
    const alice = await harness.user('alice')
    const before = await harness.state()
    for (const method of ['PUT', 'POST']) {
      const { status } = await alice.post('/files/upload-url', { filename: 'a.png', mimeType, method })
      expect([400, 415]).toContain(status)
    }
    expect(await harness.state()).toEqual(before)
  })

  test.each([
    ['text/html', 'text/html'],
    ['TEXT/HTML ; charset=utf-8', 'TEXT/HTML ; charset=utf-8'],
    ['image/svg+xml', 'image/svg+xml'],
    ['image/png,text/html', 'image/png,text/html'],
    ['application/pdf', 'application/pdf'],
    ['text/xml', 'text/xml'],
    ['', 'binary/octet-stream'],
  ])('97: %j, sent to a public key before any confirm, is no document', async (type, served) => {
    // As a URL does that was issued for a file whose type nobody declared: it binds none.
    const target = harness.target('gateway', 'PUT', 'postern', 'public/x')
    const headers: Record<string, string> = {
      'content-length': '8',
      'content-disposition': 'inline; filename="a.html"',
    }
    if (type !== '') headers['content-type'] = type
    expect((await harness.raw('PUT', target, headers, '<script>')).status).toBe(200)
    const got = await harness.raw('GET', '/postern/public/x')
    expect(got.status).toBe(200)
    expect(got.headers.get('content-type')).toBe(served)
    expect(got.headers.get('content-disposition')).toMatch(/^attachment/)
    expect(got.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    expect(got.headers.get('x-content-type-options')).toBe('nosniff')
    expect(got.headers.get('set-cookie')).toBeUndefined()
  })

  describe('a content coding that was not signed', () => {
    const coded = { 'content-encoding': 'br' }

    test('is refused in the bucket of the gateway', async () => {
      await harness.signed('gateway', 'PUT', '/postern/uploads/source', { body: 'source' })
      const send = (path: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
        harness.signed('gateway', path.includes('?') ? 'POST' : 'PUT', path, { headers, unsigned: coded })
      const sent = { ...coded, 'content-length': '4' }
      await harness.refused(
        () => harness.raw('PUT', harness.target('gateway', 'PUT', 'postern', 'uploads/y'), sent, 'text'),
        403,
        'AccessDenied',
      )
      await harness.refused(
        () => harness.raw('PUT', harness.target('gateway', 'PUT', 'postern', 'public/y'), sent, 'text'),
        403,
        'AccessDenied',
      )
      await harness.refused(() => send('/postern/uploads/y?uploads='), 403, 'AccessDenied')
      const copy = { 'x-amz-copy-source': '/postern/uploads/source', 'x-amz-metadata-directive': 'REPLACE' }
      await harness.refused(() => send('/postern/uploads/y', copy), 403, 'AccessDenied')
    })

    test('is kept if it is signed, and in the buckets of access keys', async () => {
      const own = await harness.signed('gateway', 'PUT', '/postern/uploads/z', { body: 'text', headers: coded })
      expect(own.status).toBe(200)
      const target = harness.target('alice', 'PUT', 'alice-1', 'coded')
      expect((await harness.raw('PUT', target, { ...coded, 'content-length': '4' }, 'text')).status).toBe(200)
      for (const [who, path] of [
        ['gateway', '/postern/uploads/z'],
        ['alice', '/alice-1/coded'],
      ] as const) {
        expect((await harness.signed(who, 'HEAD', path)).headers.get('content-encoding')).toBe('br')
      }
    })

    test('is not kept on an object of an upload, even if it is signed', async () => {
      const alice = await harness.user('alice')
      const { key, id } = (await alice.post('/files/upload-url', textFile)).json
      const headers = { ...coded, 'content-type': 'text/html', 'x-amz-meta-a': 'b', 'cache-control': 'max-age=9' }
      const sent = await harness.signed('gateway', 'PUT', `/postern/${key}`, { body: 'text', headers })
      expect(sent.status).toBe(200)
      const got = await harness.signed('gateway', 'HEAD', `/postern/${key}`)
      expect(got.headers.get('content-type')).toBe('text/plain')
      for (const name of ['content-encoding', 'x-amz-meta-a']) expect(got.headers.get(name)).toBeUndefined()
      expect((await alice.post('/files/confirm', { id })).status).toBe(201)
    })
  })

  test('does not reveal the size of an unverified object, or copy it', async () => {
    const alice = await harness.user('alice')
    const { key, uploadUrl } = (await alice.post('/files/upload-url', { filename: 'a.png', visibility: 'public' })).json
    await fetch(uploadUrl, { method: 'PUT', body: '<!DOCTYPE html><script>alert(1)</script>' })
    const attributes = { 'x-amz-object-attributes': 'ObjectSize' }
    const copy = { 'x-amz-copy-source': `/postern/${key}` }
    await harness.refused(() => harness.raw('GET', `/postern/${key}?attributes=`, attributes), 404, 'NoSuchKey')
    await harness.refused(() => harness.raw('GET', `/postern/${key}?versionId=null`), 404, 'NoSuchKey')
    await harness.refused(() => harness.raw('GET', `/postern/${key}`, { range: 'bytes=0-3' }), 404, 'NoSuchKey')
    await harness.refused(() => harness.signed('alice', 'PUT', '/alice-1/copy', { headers: copy }), 404, 'NoSuchKey')
    await harness.refused(() => harness.signed('alice', 'GET', `/postern/${key}`), 404, 'NoSuchKey')
  })

  test.each([
    ['a\u202egpj.exe', 'agpj.exe'],
    ['\u2066a\u2069.txt', 'a.txt'],
    ['a"b;c=d.txt', 'a"b;c=d.txt'],
    ["a'%0d%0aX: y.txt", "a'%0d%0aX: y.txt"],
    ['%2e%2e%2fetc', '%2e%2e%2fetc'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Windows\\a.txt', 'a.txt'],
    ['עברית.txt', 'עברית.txt'],
  ])('99: the name %j is kept as %j and harms no header', async (given, kept) => {
    const alice = await harness.user('alice')
    const { id, filename } = await store(alice, 'text', { filename: given })
    expect(filename).toBe(kept)
    const { json } = await alice.get(`/files/${id}/download-url?disposition=attachment`)
    const url = new URL(json.downloadUrl)
    const got = await harness.raw('GET', url.pathname + url.search)
    expect(got.status).toBe(200)
    expect(got.headers.get('content-disposition')).toMatch(/^attachment; filename/)
    expect(got.headers.get('x')).toBeUndefined()
  })

  test('refuses fields that only the gateway sets, and drops its reserved metadata', async () => {
    const alice = await harness.user('alice')
    for (const extra of [
      'owner',
      'key',
      'status',
      'id',
      'bucket',
      'confirmedAt',
      'store',
      'object',
      'x-internal-a',
      'constructor',
      'toString',
    ]) {
      const before = await harness.state()
      expect((await alice.post('/files/upload-url', { ...textFile, [extra]: 'bob' })).status).toBe(400)
      expect(await harness.state()).toEqual(before)
    }
    const { id } = await upload(alice, 'text', {
      metadata: { 'X-Internal-Scan': 'clean', album: 'a', constructor: 'b' },
    })
    expect((await alice.get(`/files/${id}`)).json.metadata).toEqual({ album: 'a', constructor: 'b' })
    expect((await alice.patch(`/files/${id}`, { metadata: { 'x-internal-scan': 'clean' } })).json.metadata).toEqual({})
    for (const extra of ['status', 'owner', 'visibility', 'mimeType', 'size', 'key']) {
      expect((await alice.patch(`/files/${id}`, { [extra]: 'confirmed' })).status).toBe(400)
    }
  })

  test.each([
    '{"filename":"a","__proto__":{"b":1}}',
    '{"filename":"a","metadata":{"__proto__":"b"}}',
    '{"filename":"a","metadata":{"\\u005f_proto__":"b"}}',
  ])('69: %s', async (body) => {
    const authorization = `Bearer ${await harness.gateway.token('alice')}`
    const send = (): Promise<RawAnswer> =>
      rawApi(harness, 'POST', '/files/upload-url', { authorization, 'content-type': 'application/json' }, body)
    await harness.refused(send, 400, 'InvalidRequest')
  })
})

describe('information in responses and logs', () => {
  test('no response contains a path, a statement or a module', async () => {
    const alice = await harness.user('alice')
    const authorization = `Bearer ${await harness.gateway.token('alice')}`
    const answers = [
      await rawApi(harness, 'GET', '/files/%00', { authorization }),
      await rawApi(harness, 'POST', '/files/confirm', { authorization, 'content-type': 'application/json' }, '{'),
      await rawApi(harness, 'GET', '/assets/..%2f..%2fpackage.json', { authorization }),
      await harness.signed('alice', 'GET', '/alice-1/nothing'),
      await harness.signed('alice', 'PUT', '/alice-1?cors', { body: '<a', headers: { 'content-md5': 'x' } }),
      await harness.signed('alice', 'GET', '/nothing-1'),
    ]
    for (const { text, status } of answers) {
      expect(status).toBeLessThan(500)
      expect(text).not.toMatch(/SELECT|sqlite|node_modules|at async|\/tmp\/|\/src\//i)
      expect(text).not.toContain(harness.gateway.dir)
    }
    expect((await alice.get('/files')).status).toBe(200)
  })

  test('the log contains no credentials at its most verbose level', async () => {
    const alice = await harness.user('alice')
    const token = await harness.gateway.token('alice')
    const issued = await upload(alice, 'text')
    await put(issued, 'other')
    const { json } = await alice.post('/files/confirm', { id: issued.id })
    const { downloadUrl } = (await alice.get(`/files/${json.id}/download-url`)).json
    await fetch(downloadUrl)
    await fetch(`${downloadUrl.slice(0, -1)}0`)
    await rawApi(harness, 'GET', `/files?token=${token}&access_token=${token}`, { cookie: `postern_token=${token}` })
    await rawApi(harness, 'GET', `/files/${token}`, { authorization: `Bearer ${token}` })
    await rawApi(harness, 'GET', '/l/a-very-secret-link-token', {})
    await harness.signed('alice', 'GET', '/alice-1/there')
    await sleep(50)
    const text = harness.log.join('')
    expect(text).toContain('/files')
    const signatures = [issued.uploadUrl, downloadUrl].map((url) => new URL(url).searchParams.get('X-Amz-Signature')!)
    for (const secret of [...signatures, token, token.split('.')[2]!, 'a-very-secret-link-token', 'alice-secret']) {
      expect(text).not.toContain(secret)
    }
    expect(text).not.toMatch(/Signature=[0-9a-f]{16}/)
  })
})
