/* oxlint-disable vitest/no-conditional-expect -- where stores differ, what each does instead is asserted too */
import { describe, expect, it } from 'vitest'
import type { SignedRequest } from '../../../src/drivers/driver.ts'
import { base64, freshPrefix, freshRef, isThere, put, read, codeOf, type Suite, itUnless } from './suite-tools.ts'

export function presigning(suite: Suite): void {
  const send = (signed: SignedRequest, body?: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(signed.url, {
      method: signed.method,
      headers: { ...signed.headers, ...headers },
      ...(body !== undefined && { body }),
    })

  it('returns the expiry of the URL, and never requires content-length or host headers', async () => {
    const before = Math.floor(Date.now() / 1000) * 1000
    const signed = await suite.driver.presignUpload(freshRef(suite), {
      expiresIn: 600,
      contentType: 'image/png',
      contentLength: 4,
    })
    expect(signed.method).toBe('PUT')
    expect(signed.expiresIn).toBeLessThanOrEqual(600)
    expect(Math.abs(signed.expiresAt.getTime() - before - signed.expiresIn * 1000)).toBeLessThan(5000)
    expect(Object.keys(signed.headers).map((name) => name.toLowerCase())).toEqual(['content-type'])
  })

  it.each([0, -3, 604_801, 1.5, Number.NaN])('refuses to sign for %d seconds', async (expiresIn) => {
    const ref = freshRef(suite)
    expect(await codeOf(suite.driver.presignUpload(ref, { expiresIn }))).toBe('InvalidArgument')
    expect(await codeOf(suite.driver.presignDownload(ref, { expiresIn }))).toBe('InvalidArgument')
  })

  it.each([
    ['signed-length', { contentLength: 4 }],
    ['signed-checksum', { checksum: { algorithm: 'sha256', value: base64('sha256', Buffer.from('text')) } }],
    ['conditional-put', { ifNoneMatch: '*' }],
  ] as const)('binds what %s promises, or codeOf', async (capability, bound) => {
    const signing = suite.driver.presignUpload(freshRef(suite), { expiresIn: 60, ...bound })
    if (!suite.driver.capabilities.has(capability)) return expect(await codeOf(signing)).toBe('NotSupported')
    const names = new URL((await signing).url).searchParams.get('X-Amz-SignedHeaders')?.split(';') ?? []
    expect(names.length).toBeGreaterThan(1)
  })

  it('binds a read to a share link with revocable-reads, or rejects it', async () => {
    const o = { expiresIn: 60, link: 'one' }
    const urls = [suite.driver.presignDownload(freshRef(suite), o), suite.driver.presignHead(freshRef(suite), o)]
    for (const signing of urls) {
      if (suite.driver.capabilities.has('revocable-reads')) {
        expect(new URL((await signing).url).searchParams.get('x-postern-link')).toBe('one')
      } else expect(await codeOf(signing)).toBe('NotSupported')
    }
  })

  it('signs the key as it is', async () => {
    for (const name of ['a b+c', 'ü?#%2F', "!'()*"]) {
      const ref = freshRef(suite, name)
      const { pathname } = new URL((await suite.driver.presignDownload(ref, { expiresIn: 60 })).url)
      expect(decodeURIComponent(pathname).endsWith(ref.key)).toBe(true)
    }
  })

  const served = !suite.differs('unserved-urls')

  const describeServed = served ? describe : () => {}
  describeServed('over HTTP', () => {
    it('a PUT stores and a GET serves, with only a content type', async () => {
      const ref = freshRef(suite, 'a b+ü.txt')
      const upload = await suite.driver.presignUpload(ref, { expiresIn: 60, contentType: 'text/plain' })
      expect((await send(upload, 'text')).status).toBe(200)
      expect((await read(suite, ref)).toString()).toBe('text')
      const download = await suite.driver.presignDownload(ref, { expiresIn: 60 })
      const answer = await send(download)
      expect([answer.status, await answer.text()]).toEqual([200, 'text'])
      const head = await send(await suite.driver.presignHead(ref, { expiresIn: 60 }))
      expect([head.status, head.headers.get('content-length')]).toEqual([200, '4'])
    })

    it('a PUT with all constraints accepts only a matching request', async () => {
      const { capabilities } = suite.driver
      const ref = freshRef(suite)
      const upload = await suite.driver.presignUpload(ref, {
        expiresIn: 60,
        contentType: 'text/plain',
        ...(capabilities.has('signed-length') && { contentLength: 4 }),
        ...(capabilities.has('signed-checksum') && {
          checksum: { algorithm: 'sha256', value: base64('sha256', Buffer.from('text')) } as const,
        }),
        ...(capabilities.has('conditional-put') && { ifNoneMatch: '*' as const }),
      })
      expect((await send(upload, 'text', { 'content-type': 'text/html' })).status).toBe(403)
      if (capabilities.has('signed-length')) expect((await send(upload, 'longer')).status).toBe(403)
      if (capabilities.has('signed-checksum')) expect((await send(upload, 'TEXT')).status).toBe(400)
      expect(await isThere(suite, ref)).toBe(false)
      expect((await send(upload, 'text')).status).toBe(200)
      if (capabilities.has('conditional-put')) expect((await send(upload, 'text')).status).toBe(412)
    })

    it('a URL serves no other key and no other method', async () => {
      const ref = freshRef(suite)
      await put(suite, ref, 'text')
      const download = await suite.driver.presignDownload(ref, { expiresIn: 60 })
      expect((await fetch(download.url, { method: 'PUT', body: 'x' })).status).toBe(403)
      expect((await fetch(download.url.replace('/object?', '/objecu?'))).status).toBe(403)
      expect((await read(suite, ref)).toString()).toBe('text')
    })

    it('uploads parts to their URLs', async () => {
      const ref = freshRef(suite)
      const { uploadId } = await suite.driver.createMultipartUpload(ref)
      const signed = await suite.driver.presignUploadPart(ref, { uploadId, partNumber: 1, expiresIn: 60 })
      const answer = await send(signed, 'a part')
      expect(answer.status).toBe(200)
      const etag = answer.headers.get('etag')!
      await suite.driver.completeMultipartUpload(ref, uploadId, [{ partNumber: 1, etag }])
      expect((await read(suite, ref)).toString()).toBe('a part')
    })

    it('a download has the signed response headers', async () => {
      const ref = freshRef(suite)
      await put(suite, ref, 'text', { contentType: 'text/plain' })
      const response = { contentDisposition: 'attachment; filename="x y.txt"', cacheControl: 'private, max-age=9' }
      const answer = await send(await suite.driver.presignDownload(ref, { expiresIn: 60, response }))
      expect(answer.headers.get('content-disposition')).toBe(response.contentDisposition)
      expect(answer.headers.get('cache-control')).toBe(response.cacheControl)
    })
  })

  describe('a form', () => {
    const form = (fields: Record<string, string>, text: string): FormData => {
      const data = new FormData()
      for (const [name, value] of Object.entries(fields)) data.set(name, value)
      data.set('file', new Blob([text], { type: 'text/plain' }), 'name.txt')
      return data
    }

    it('is restricted by its fields and a range of lengths, or rejected', async () => {
      const ref = freshRef(suite)
      const signing = suite.driver.presignPost(ref, {
        expiresIn: 60,
        contentType: 'text/plain',
        minBytes: 2,
        maxBytes: 6,
      })
      if (!suite.driver.capabilities.has('presign-post')) return expect(await codeOf(signing)).toBe('NotSupported')
      const { url, fields, method } = await signing
      expect(method).toBe('POST')
      expect(fields['key']).toBe(ref.key)
      const policy = JSON.parse(Buffer.from(fields['policy']!, 'base64').toString()) as { conditions: unknown[] }
      expect(policy.conditions).toContainEqual(['content-length-range', 2, 6])
      if (!served) return
      expect((await fetch(url, { method, body: form(fields, 'much too long') })).status).toBe(400)
      expect(
        (await fetch(url, { method, body: form({ ...fields, 'Content-Type': 'text/html' }, 'text') })).status,
      ).toBe(403)
      expect(await isThere(suite, ref)).toBe(false)
      expect((await fetch(url, { method, body: form(fields, 'text') })).status).toBeLessThan(300)
      expect((await read(suite, ref)).toString()).toBe('text')
    })

    itUnless(suite, 'no-forms')('rejects an invalid range', async () => {
      const ref = freshRef(suite)
      expect(await codeOf(suite.driver.presignPost(ref, { expiresIn: 60, minBytes: 5, maxBytes: 4 }))).toBe(
        'InvalidArgument',
      )
      expect(await codeOf(suite.driver.presignPost(ref, { expiresIn: 60, minBytes: -1, maxBytes: 4 }))).toBe(
        'InvalidArgument',
      )
    })
  })

  it('serves anonymous reads at the public URL, or has none', async () => {
    const ref = { bucket: suite.bucket, key: `public/${freshPrefix()}object` }
    await put(suite, ref, 'public')
    const url = suite.driver.publicUrl(ref)
    const answer = url === null || !served ? 'public' : await (await fetch(url)).text()
    expect(answer).toBe('public')
    await suite.driver.deleteObject(ref)
  })
}
