/** Invariants 6 to 9: what URLs and responses allow. */
import { describe, expect, test, vi } from 'vitest'
import { call, download, downloadText, put, store, textFile, upload } from './caller.ts'
import { html, type Bench } from './invariants.ts'
import { whenConfirmed } from './when-confirmed.ts'
import { limit } from '../fixtures/time-limit.ts'

export function servingInvariants({ start, shared, newUser, expectGone }: Bench): void {
  describe('6. a URL allows only its signed request', () => {
    test('download URLs do not write, upload URLs do not read, neither deletes', async () => {
      const alice = await newUser()
      const { id } = await store(alice, 'content')
      const { json: read } = await alice.get(`/files/${id}/download-url`)
      const { json: write } = await alice.post('/files/upload-url', textFile)
      const refused = await Promise.all([
        call(read.downloadUrl, { method: 'PUT', body: 'x' }),
        call(read.downloadUrl, { method: 'DELETE' }),
        call(read.downloadUrl, { method: 'HEAD' }),
        call(read.headUrl, { method: 'GET' }),
        call(read.headUrl, { method: 'PUT', body: 'x' }),
        call(write.uploadUrl, { method: 'GET' }),
        call(write.uploadUrl, { method: 'HEAD' }),
        call(write.uploadUrl, { method: 'DELETE' }),
      ])
      expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403))
      expect((await call(read.headUrl, { method: 'HEAD' })).status).toBe(200)
      expect(await (await fetch(read.downloadUrl)).text()).toBe('content')
    })

    test('not for another key, type, length or time', async () => {
      const alice = await newUser()
      const other = await store(alice, 'other')
      const { json: issued } = await alice.post('/files/upload-url', { ...textFile, size: 4, expiresIn: 60 })
      const elsewhere = issued.uploadUrl.replace(issued.key, other.key)
      const longer = issued.uploadUrl.replace('X-Amz-Expires=60', 'X-Amz-Expires=600')
      expect(new Set([issued.uploadUrl, elsewhere, longer]).size).toBe(3)
      const refused = await Promise.all([
        put({ ...issued, uploadUrl: elsewhere }, 'four'),
        put({ ...issued, uploadUrl: longer }, 'four'),
        put(issued, 'four', { 'content-type': 'text/html' }),
        put(issued, 'fourteen'),
        put(issued, ''),
      ])
      expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403))
      await expectGone(issued.key)
      expect(await downloadText(alice, other.id)).toBe('other')
      expect((await put(issued, 'four')).status).toBe(200)
    })
  })

  describe('7. content is served safely', () => {
    test.each([
      ['photo.gif', 'image/gif', 'GIF89a\x01\x00\x01\x00\x00\x00\x00;', 'inline'],
      ['page.html', 'text/html', html, 'attachment'],
      ['drawing.svg', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'attachment'],
      ['paper.pdf', 'application/pdf', '%PDF-1.4\n', 'attachment'],
    ])('%s', async (filename, mimeType, bytes, disposition) => {
      const open = await start({ uploads: { allowedTypes: ['*/*'] } })
      try {
        const bob = await newUser(open)
        const { id } = await store(bob, bytes, { filename, mimeType })
        for (const wanted of ['inline', 'attachment']) {
          const { json } = await bob.get(`/files/${id}/download-url?disposition=${wanted}`)
          const served = await fetch(json.downloadUrl)
          const expected = wanted === 'attachment' ? 'attachment' : disposition
          expect(served.headers.get('content-disposition')).toBe(`${expected}; filename=${filename}`)
          expect(served.headers.get('content-type')).toBe(mimeType)
          expect(served.headers.get('cache-control')).toMatch(/^private/)
          // A bucket serves its own headers; what we serve ourselves carries ours.
          if (open.objectsUrl === '') continue
          expect(served.headers.get('x-content-type-options')).toBe('nosniff')
          expect(served.headers.get('content-security-policy')).toMatch(/sandbox/)
        }
      } finally {
        await open.close()
      }
    })
  })

  describe('8. auto-confirmed files', () => {
    test('the shorthand: public, and a file once the bytes are stored', async () => {
      const alice = await newUser()
      const { status, json: issued } = await alice.post('/api/upload-url', {
        fileName: 'a.txt',
        fileType: 'text/plain',
      })
      expect(status).toBe(200)
      expect((await alice.get(`/files/${issued.id}`)).json.status).toBe('pending')
      expect((await put(issued, 'self', { 'content-type': 'text/plain' })).status).toBe(200)
      await whenConfirmed(alice, issued.id)
      const { json } = await alice.get('/files')
      expect(json.files).toMatchObject([{ id: issued.id, status: 'confirmed', size: 4, visibility: 'public' }])
      expect((await alice.get('/files/usage')).json).toMatchObject({ bytes: 4, files: 1, reservedFiles: 0 })
      await put(issued, 'OTHER', { 'content-type': 'text/plain' })
      expect(await downloadText(alice, issued.id)).toBe('self')
    })

    test('an upload that does not match its grant never becomes a file', async () => {
      const alice = await newUser()
      const { json: issued } = await alice.post('/api/upload-url', { fileName: 'a.png', fileType: 'image/png' })
      await put(issued, html)
      await vi.waitFor(async () => expect((await alice.get(`/files/${issued.id}`)).status).toBe(404), {
        timeout: limit(20_000),
        interval: 100,
      })
      expect((await alice.get('/files')).json.files).toEqual([])
      await expectGone(issued.key)
      expect((await call(issued.publicUrl!)).status).toBeGreaterThanOrEqual(403)
    })

    test('disabled without public files, and enabled everywhere by configuration', async () => {
      const closed = await start({ uploads: { allowPublic: false, autoConfirm: true } })
      try {
        const bob = await newUser(closed)
        const short = await bob.post('/api/upload-url', { fileName: 'a.txt', fileType: 'text/plain' })
        expect([short.status, short.json.code]).toEqual([403, 'AccessDenied'])
        expect((await bob.post('/files/upload-url', { ...textFile, visibility: 'public' })).status).toBe(403)
        const { id } = await upload(bob, 'self')
        await whenConfirmed(bob, id)
      } finally {
        await closed.close()
      }
    })
  })

  describe('9. publicUrl works for anyone', () => {
    test.each([{ visibility: 'public' }, { visibility: 'public', autoConfirm: true }])(
      'as soon as the object is there: %j',
      async (fields) => {
        const alice = await newUser()
        const { json: issued } = await alice.post('/files/upload-url', { ...textFile, ...fields })
        expect([403, 404]).toContain((await fetch(issued.publicUrl!)).status)
        await put(issued, 'for all')
        expect(await (await fetch(issued.publicUrl!)).text()).toBe('for all')
        const { json: file } = await alice.post('/files/confirm', { id: issued.id })
        expect(await (await fetch(issued.publicUrl!)).text()).toBe('for all')
        expect(await (await fetch(file.publicUrl!)).text()).toBe('for all')
        await alice.delete(`/files/${issued.id}`)
        expect([403, 404]).toContain((await fetch(file.publicUrl!)).status)
      },
    )

    test('private files have none', async () => {
      const alice = await newUser()
      const { id, key, publicUrl } = await store(alice, 'private')
      expect(publicUrl).toBeUndefined()
      expect((await call(`${shared().apiUrl}/public/${key}`)).status).toBe(404)
      const { json } = await alice.get(`/files/${id}/download-url`)
      expect((await fetch(json.downloadUrl.split('?')[0]!)).status).toBe(403)
      expect((await download(alice, id)).status).toBe(200)
    })
  })
}
