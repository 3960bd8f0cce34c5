/** Security cases 69 and 85: the content of a request. */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { connect, rawRequest } from '../fixtures/raw-http.ts'
import { alice, authorization, gateway, serveAlice } from './alice.ts'
import { call, stateOf, textFile, type Answer } from './caller.ts'

serveAlice()

const post = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = '/files/upload-url',
) =>
  call(gateway.apiUrl + path, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body,
  })

/** What came back, and whether it left everything as it was. */
async function outcome(request: () => Promise<Answer>) {
  const before = await stateOf(alice)
  const { status, json } = await request()
  return { status, detail: json.detail, unchanged: isDeepStrictEqual(await stateOf(alice), before) }
}

describe('a body', () => {
  const nested = (depth: number) => `${'{"metadata":'.repeat(depth)}1${'}'.repeat(depth)}`

  test.each<[string, string, Record<string, string>, number]>([
    ['of form fields', 'filename=a.txt', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['of text', '{}', { 'content-type': 'text/plain' }, 415],
    ['of a type that only begins like JSON', '{}', { 'content-type': 'application/jsonp' }, 415],
    ['that is compressed', '{}', { 'content-encoding': 'gzip' }, 415],
    ['that is too big', JSON.stringify({ filename: 'x'.repeat(300_000) }), {}, 413],
    ['that is no JSON', '{"filename":', {}, 400],
    ['that is empty', ' ', {}, 400],
    ['that is a string', '"x"', {}, 400],
    ['that is a list', '[]', {}, 400],
    ['nested 33 deep', nested(33), {}, 400],
    ['nested as deep as fits', '['.repeat(250_000), {}, 400],
    ['nested deep and closed', nested(9_000), {}, 400],
    ['with __proto__', '{"filename":"a.txt","__proto__":{"admin":true}}', {}, 400],
    ['with __proto__ further in', '{"filename":"a.txt","metadata":{"__proto__":"x"}}', {}, 400],
    ['with an escaped __proto__', '{"filename":"a.txt","\\u005f_proto__":{"admin":true}}', {}, 400],
    ['with a constructor', '{"filename":"a.txt","constructor":{"prototype":{}}}', {}, 400],
  ])('%s is refused', async (_, body, headers, status) => {
    expect(await outcome(() => post(body, headers))).toMatchObject({ status, unchanged: true })
  })

  test('that never ends is aborted at the limit', async () => {
    const connection = await connect(gateway.apiUrl)
    const head = `POST /files/upload-url HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\n`
    await connection.send(`${head}Transfer-Encoding: chunked\r\n\r\n`)
    for (let i = 0; i < 20; i++) await connection.send(`4000\r\n${' '.repeat(0x4000)}\r\n`).catch(() => {})
    expect((await connection.answer()).status).toBe(413)
    connection.close()
  })

  test('is not read before the sender is authenticated', async () => {
    const head =
      'POST /files/upload-url HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n'
    const answer = await rawRequest(gateway.apiUrl, `${head}Expect: 100-continue\r\n\r\n`)
    expect([answer.status, answer.interim]).toEqual([401, []])
  })
})

describe('a field', () => {
  test.each<[object, string]>([
    [{ owner: 'bob' }, 'owner'],
    [{ key: 'uploads/mine.txt' }, 'key'],
    [{ status: 'confirmed' }, 'status'],
    [{ id: '00000000-0000-0000-0000-000000000000' }, 'id'],
    [{ bucket: 'other' }, 'bucket'],
    [{ mimetype: 'text/plain' }, 'mimetype'],
    [{ filename: 5 }, 'filename'],
    [{ filename: '' }, 'filename'],
    [{ filename: 'a\u0000.txt' }, 'filename'],
    [{ filename: 'x'.repeat(256) }, 'filename'],
    [{ fileName: 'other.txt' }, 'filename'],
    [{ mimeType: 'text' }, 'mimeType'],
    [{ mimeType: 'text/plain\r\nx-amz-acl: public-read' }, 'mimeType'],
    [{ size: -1 }, 'size'],
    [{ size: 1.5 }, 'size'],
    [{ size: '5' }, 'size'],
    [{ size: 2 ** 53 }, 'size'],
    [{ checksum: 'abc' }, 'checksum'],
    [{ checksum: { algorithm: 'md5', value: 'x' } }, 'checksum.algorithm'],
    [{ checksum: { algorithm: 'sha256', value: 'x' } }, 'checksum.value'],
    [{ checksum: { algorithm: 'sha256', value: 'x', type: 'COMPOSITE' } }, 'checksum'],
    [{ visibility: 'everyone' }, 'visibility'],
    [{ method: 'DELETE' }, 'method'],
    [{ expiresIn: 0 }, 'expiresIn'],
    [{ expiresIn: 604_801 }, 'expiresIn'],
    [{ expiresIn: '60' }, 'expiresIn'],
    [{ metadata: { album: 5 } }, 'metadata.album'],
    [{ metadata: { album: { deep: '' } } }, 'metadata.album'],
    [{ metadata: 'x' }, 'metadata'],
    [{ metadata: { 'x y': '' } }, 'metadata'],
    [{ metadata: { long: 'x'.repeat(2048) } }, 'metadata'],
    [{ autoConfirm: 'yes' }, 'autoConfirm'],
  ])('%j is refused, and named', async (fields, name) => {
    const { detail, ...rest } = await outcome(() => alice.post('/files/upload-url', { ...textFile, ...fields }))
    expect(rest).toEqual({ status: 400, unchanged: true })
    expect(detail).toContain(name)
  })

  test('that is missing is named in the error', async () => {
    expect((await alice.post('/files/upload-url', { mimeType: 'text/plain' })).json.detail).toMatch(
      /^filename is missing/,
    )
    expect((await alice.post('/files/upload-url')).json.detail).toMatch(/^filename is missing/)
  })

  test.each([{}, { id: 'a', key: 'b' }, { id: 5 }, { key: '', id: '' }])('confirm of %j is refused', async (body) => {
    const refused = await outcome(() => alice.post('/files/confirm', body))
    expect(refused).toMatchObject({ status: 400, unchanged: true })
  })

  test('an unlisted type is refused with the list', async () => {
    const page = await outcome(() => alice.post('/files/upload-url', { filename: 'a.html', mimeType: 'text/html' }))
    expect(page).toMatchObject({ status: 415, unchanged: true })
    expect(page.detail).toContain('text/plain')
    const program = await outcome(() => alice.post('/files/upload-url', { filename: 'a.exe' }))
    expect(program).toMatchObject({ status: 415, unchanged: true })
  })

  test('reserved for the gateway is dropped from metadata', async () => {
    const { status, json } = await alice.post('/files/upload-url', {
      ...textFile,
      metadata: { 'x-internal-owner': 'bob', a: 'b' },
    })
    expect(status).toBe(200)
    expect((await alice.get(`/files/${json.id}`)).json.metadata).toEqual({ a: 'b' })
  })
})
