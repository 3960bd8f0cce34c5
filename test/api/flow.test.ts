/** Normal use of the API by clients. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { alice, gateway, serveAlice } from './alice.ts'
import { as, call, download, downloadText, put, sha256, store, textFile, upload } from './caller.ts'

serveAlice()

describe('the documented snippets', () => {
  test('A: a public URL, no confirm, no size', async () => {
    const { json } = await alice.post('/api/upload-url', { fileName: 'a photo.gif', fileType: 'image/gif' })
    const sent = await put(json, 'GIF89a\x01\x00\x01\x00', { 'Content-Type': 'image/gif' })
    expect(sent.status).toBe(200)
    const shown = await fetch(json.publicUrl!)
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'image/gif'])
  })

  test('B: upload-url, PUT with the file’s own type, confirm with the page’s data', async () => {
    const file = { filename: 'naïve 😀.txt', mimeType: 'text/plain' }
    const { json: issued } = await alice.post('/files/upload-url', file)
    expect(issued).toMatchObject({ method: 'PUT', headers: { 'content-type': 'text/plain' }, expiresIn: 600 })
    expect(Object.keys(issued.headers)).toEqual(['content-type'])
    expect(issued.key).toMatch(/^uploads\/[0-9a-f-]{36}\.txt$/)
    expect(Date.parse(issued.expiresAt)).toBeGreaterThan(Date.now())
    expect((await put(issued, 'bytes', { 'content-type': file.mimeType })).status).toBe(200)
    const { status, headers, json } = await alice.post('/files/confirm', { key: issued.key, ...file, size: 5 })
    expect([status, headers.get('location')]).toEqual([201, `/files/${issued.id}`])
    expect(json).toMatchObject({ id: issued.id, url: `/files/${issued.id}`, ...file, size: 5, status: 'confirmed' })
    const again = await alice.post('/files/confirm', { key: issued.key, ...file, size: 5 })
    expect([again.status, again.json]).toEqual([200, json])
  })

  test('B for a file whose type is unknown to the browser', async () => {
    const { json: issued } = await alice.post('/files/upload-url', { filename: 'notes.txt', mimeType: '' })
    expect((await put(issued, 'plain words', { 'content-type': '' })).status).toBe(200)
    const { status, json } = await alice.post('/files/confirm', {
      key: issued.key,
      filename: 'notes.txt',
      mimeType: '',
      size: 11,
    })
    expect([status, json.mimeType]).toEqual([201, 'text/plain'])
  })
})

test('the constraints that Postern’s client requests', async () => {
  const bytes = 'exactly this'
  const checksum = { algorithm: 'sha256', value: sha256(bytes) }
  const request = { ...textFile, size: 12, checksum, writeOnce: true, expiresIn: 60, metadata: { album: '2026' } }
  const { json: issued } = await alice.post('/files/upload-url', request)
  expect(issued.headers).toEqual({
    'content-type': 'text/plain',
    'if-none-match': '*',
    'x-amz-checksum-sha256': checksum.value,
  })
  expect(issued.expiresIn).toBe(60)
  expect((await put(issued, 'exactly That')).status).toBe(400)
  expect((await put(issued, bytes)).status).toBe(200)
  expect((await put(issued, bytes)).status).toBe(412)
  const { json } = await alice.post('/files/confirm', { id: issued.id })
  expect(json).toMatchObject({ checksum, metadata: { album: '2026' } })
})

test('a form upload is limited to its size and type', async () => {
  const { json: issued } = await alice.post('/files/upload-url', { ...textFile, method: 'POST', size: 4 })
  expect(issued).toMatchObject({ method: 'POST', headers: {} })
  const send = (bytes: string, type: string) => {
    const form = new FormData()
    for (const [name, value] of Object.entries(issued.fields ?? {}))
      form.set(name, name.toLowerCase() === 'content-type' ? type : value)
    form.set('file', new Blob([bytes]))
    return call(issued.uploadUrl, { method: 'POST', body: form })
  }
  expect((await send('too long', 'text/plain')).status).toBe(400)
  expect((await send('four', 'text/html')).status).toBe(403)
  expect((await send('four', 'text/plain')).status).toBeLessThan(300)
  expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(201)
  expect(await downloadText(alice, issued.id)).toBe('four')
})

test('a lost or expired URL is issued again with the same constraints', async () => {
  const { json: first } = await alice.post('/files/upload-url', { ...textFile, size: 4 })
  const { status, json: second } = await alice.post(`/files/${first.id}/upload-url`, { expiresIn: 60 })
  expect(status).toBe(200)
  expect(second).toMatchObject({ id: first.id, key: first.key, expiresIn: 60 })
  expect((await put(second, 'too long')).status).toBe(403)
  expect((await put(second, 'four')).status).toBe(200)
  expect((await alice.post('/files/confirm', { id: first.id })).status).toBe(201)
  const late = await alice.post(`/files/${first.id}/upload-url`)
  expect([late.status, late.json.code]).toEqual([409, 'ConditionalConflict'])
})

test('lists files newest first in pages, and finds them by name', async () => {
  const bob = await as(gateway, 'bob')
  for (let i = 0; i < 5; i++) await store(bob, `${i}`, { filename: `Report 100%_${i}.txt` })
  const first = await bob.get('/files?limit=2')
  expect(first.json.files.map(({ filename }) => filename)).toEqual(['Report 100%_4.txt', 'Report 100%_3.txt'])
  const second = await bob.get(`/files?limit=2&cursor=${first.json.nextCursor}`)
  const third = await bob.get(`/files?limit=2&cursor=${second.json.nextCursor}`)
  expect(third.json).toMatchObject({ files: [{ filename: 'Report 100%_0.txt' }], nextCursor: null })
  expect((await bob.get('/files?q=REPORT%20100%25_')).json.files).toHaveLength(5)
  expect((await bob.get('/files?q=%25_3')).json.files).toHaveLength(1)
  expect((await bob.get('/files?q=_______')).json.files).toHaveLength(0)
})

test('renames a file, changes its metadata, and deletes it', async () => {
  const { id, key } = await store(alice, 'x', { metadata: { a: '1' } })
  const { json } = await alice.patch(`/files/${id}`, { filename: 'other.txt' })
  expect(json).toMatchObject({ filename: 'other.txt', metadata: { a: '1' }, size: 1 })
  expect((await alice.patch(`/files/${id}`, { metadata: { b: '2' } })).json.metadata).toEqual({ b: '2' })
  for (const wrong of [{}, { size: 2 }, { key: 'x' }, { owner: 'bob' }, { filename: 'a/' }]) {
    expect((await alice.patch(`/files/${id}`, wrong)).status).toBe(400)
  }
  const { json: read } = await alice.get(`/files/${id}/download-url`)
  expect((await alice.delete(`/files/${id}`)).status).toBe(204)
  expect((await fetch(read.downloadUrl)).status).toBe(404)
  for (const path of [`/files/${id}`, `/files/${id}/download-url`, `/files/${id}/content`]) {
    expect((await alice.get(path)).status).toBe(404)
  }
  expect((await alice.delete(`/files/${id}`)).status).toBe(404)
  expect((await alice.post('/files/confirm', { key })).status).toBe(404)
})

describe('downloads', () => {
  test('with any file name', async () => {
    for (const filename of ["naïve 😀 (1)'*!~ %2F.txt", 'عربي.txt', `${'長'.repeat(80)}.txt`, 'a"b;c.txt']) {
      const { id } = await store(alice, filename, { filename })
      const served = await download(alice, id)
      expect(await served.text()).toBe(filename)
      const encoded = /filename\*=UTF-8''([^;]+)/.exec(served.headers.get('content-disposition') ?? '')?.[1]
      expect(encoded === undefined ? filename : decodeURIComponent(encoded)).toBe(filename)
    }
  })

  test('lifetime, HEAD and invalid requests', async () => {
    const { id } = await store(alice, 'hello')
    const { json } = await alice.get(`/files/${id}/download-url?expiresIn=30`)
    expect(json.expiresIn).toBeGreaterThanOrEqual(28)
    expect(json.expiresIn).toBeLessThanOrEqual(30)
    expect((await fetch(json.headUrl, { method: 'HEAD' })).headers.get('content-length')).toBe('5')
    for (const query of [
      'expiresIn=0',
      'expiresIn=604801',
      'expiresIn=x',
      'expiresIn=1&expiresIn=2',
      'disposition=other',
    ]) {
      expect((await alice.get(`/files/${id}/download-url?${query}`)).status).toBe(400)
    }
  })

  test('content redirects, and browsers can cache the redirect only while it is valid', async () => {
    const { id } = await store(alice, 'hello')
    const { status, headers } = await alice.get(`/files/${id}/content`)
    expect(status).toBe(302)
    expect(Number(/^private, max-age=(\d+)$/.exec(headers.get('cache-control') ?? '')?.[1])).toBeLessThan(3600)
    expect(headers.get('vary')).toMatch(/Authorization, Cookie/)
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    expect(await (await fetch(headers.get('location')!)).text()).toBe('hello')
    const inSize = await fetch(`${gateway.apiUrl}/files/${id}/content`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${await gateway.token('alice')}` },
    })
    expect([inSize.status, inSize.headers.get('content-length')]).toEqual([200, '5'])
  })

  test('an unconfirmed file is not served', async () => {
    const { id } = await upload(alice, 'hello')
    for (const path of ['download-url', 'content']) {
      const { status, json } = await alice.get(`/files/${id}/${path}`)
      expect([status, json.code]).toEqual([409, 'UploadIncomplete'])
    }
  })

  test('downloads.stableFor: one URL per window, valid at least as long as requested', async () => {
    let now = Date.parse('2026-06-01T00:00:10Z')
    const stable = await startGateway({ downloads: { stableFor: '10m' } }, { now: () => new Date(now) })
    try {
      const bob = await as(stable, 'bob', { exp: now / 1000 + 86_400 })
      const { id } = await store(bob, 'hello')
      const issue = async () => (await bob.get(`/files/${id}/download-url?expiresIn=60`)).json
      const first = await issue()
      now += 580_000
      const second = await issue()
      expect(second.downloadUrl).toBe(first.downloadUrl)
      expect(second.expiresIn).toBeGreaterThanOrEqual(60)
      expect(await (await fetch(second.downloadUrl)).text()).toBe('hello')
      now += 20_000
      expect((await issue()).downloadUrl).not.toBe(first.downloadUrl)
    } finally {
      await stable.close()
    }
  })
})

test('an empty file, and one of many megabytes', async () => {
  const { id: empty } = await store(alice, '', { size: 0 })
  expect((await (await download(alice, empty)).arrayBuffer()).byteLength).toBe(0)
  const bytes = Buffer.alloc(20 * 1024 * 1024, 'postern ')
  const { id } = await store(alice, bytes, { size: bytes.length })
  const served = Buffer.from(await (await download(alice, id)).arrayBuffer())
  expect(createHash('sha256').update(served).digest('base64')).toBe(sha256(bytes))
})
