/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Rows 4 to 30 once more, as whoever holds one upload URL of the gateway would try them, at every mounting. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { textFile, type Json } from '../api/caller.ts'
import { freePort } from '../cli/free-port.ts'
import { rawHead, type RawAnswer } from '../fixtures/raw-http.ts'
import { startHarness, type Harness } from './harness.ts'

const mountings: [string, () => Promise<Harness>][] = [
  ['a listener of its own', () => startHarness()],
  ['objects.listen: shared', () => startHarness({ objects: { listen: 'shared' } })],
  [
    'a public URL with a path, behind a proxy',
    async () => {
      const listen = `127.0.0.1:${await freePort()}`
      const objects = { listen, publicUrl: 'https://files.example.com/objects' }
      return startHarness({ objects }, { objectsAt: `http://${listen}` })
    },
  ],
]

describe.each(mountings)('%s', (mounting, start) => {
  let harness: Harness
  let issued: Json
  let target: string
  let host: string
  beforeAll(async () => {
    harness = await start()
    const alice = await harness.user('alice')
    await alice.post('/files/upload-url', textFile)
    issued = (await alice.post('/files/upload-url', { ...textFile, size: 5 })).json
    const url = new URL(issued.uploadUrl)
    host = url.host
    target = issued.uploadUrl.slice(url.origin.length)
  })
  afterAll(() => harness?.close())

  const put = (to: string, headers: Record<string, string> = {}, method = 'PUT', body = 'bytes'): Promise<RawAnswer> =>
    harness.raw(method, to, { ...issued.headers, 'content-length': String(body.length), ...headers }, body)

  test.each(['GET', 'HEAD', 'DELETE', 'POST', 'PATCH', 'put', 'TRACE'])(
    '12: its URL with method %s',
    async (method) => {
      const status = { PATCH: 403, put: 400, TRACE: 405 }[method] ?? 403
      const before = await harness.state()
      expect((await put(target, {}, method)).status).toBe(status)
      expect(await harness.state()).toEqual(before)
    },
  )

  test.each([
    'x-amz-copy-source',
    'X-AMZ-COPY-SOURCE',
    'x-amz-copy-source-range',
    'x-amz-acl',
    'x-amz-grant-full-control',
    'x-amz-tagging',
    'x-amz-meta-a',
    'x-amz-metadata-directive',
    'x-amz-storage-class',
    'x-amz-date',
    'x-amz-expires',
    'x-amz-user-agent',
    'x-amz-security-token',
    'x-amz-trailer',
    'x-amz-decoded-content-length',
    'x-amz-checksum-crc32',
    'x-amz-sdk-checksum-algorithm',
    'x-amz-expected-bucket-owner',
    'x-amz-write-offset-bytes',
    'x-amz-website-redirect-location',
  ])('14, 15: %s that the URL does not sign', async (name) => {
    const answer = await harness.refused(() => put(target, { [name]: 'postern/uploads/x' }), 403, 'AccessDenied')
    expect(answer.text).toContain(`<HeadersNotSigned>${name.toLowerCase()}</HeadersNotSigned>`)
  })

  test.each([
    ['uploadId=x', 'partNumber=1'],
    ['uploads'],
    ['tagging'],
    ['acl'],
    ['versionId=null'],
    ['response-content-type=text/html'],
    ['x-amz-acl=public-read'],
    ['x-amz-copy-source=postern/uploads/x'],
    ['append'],
    ['X-Amz-Signature2=x'],
  ])('21: %s appended', async (...parameters) => {
    await harness.refused(() => put(`${target}&${parameters.join('&')}`), 403, 'SignatureDoesNotMatch')
  })

  test.each(['X-Amz-Expires=604800', 'X-Amz-Date=20990101T000000Z', 'X-Amz-Credential=x'])(
    '20: %s a second time',
    async (parameter) => {
      await harness.refused(() => put(`${target}&${parameter}`), 400, 'InvalidArgument')
    },
  )

  test.each(['expires[]=1', 'a=1&a=2', '__proto__=x', '%5F_proto__=x', 'prefix=a&prefix=b'])(
    '20: %s',
    async (query) => {
      await harness.refused(() => put(`${target}&${query}`), 400, 'InvalidArgument')
    },
  )

  test.each<[string, (to: string) => string, number, string]>([
    ['two slashes before the key', (to) => to.replace('/uploads/', '//uploads/'), 403, 'SignatureDoesNotMatch'],
    ['two slashes in the key', (to) => to.replace('/uploads/', '/uploads//'), 403, 'SignatureDoesNotMatch'],
    ['a dot segment', (to) => to.replace('/uploads/', '/./uploads/'), 400, 'InvalidURI'],
    ['an encoded one', (to) => to.replace('/uploads/', '/x/%2e%2e/uploads/'), 400, 'InvalidURI'],
    ['another bucket', (to) => to.replace('/postern/', '/alice-1/'), 403, 'SignatureDoesNotMatch'],
    ['upper case', (to) => to.replace('/uploads/', '/Uploads/'), 403, 'SignatureDoesNotMatch'],
    ['a slash at the end', (to) => to.replace('?', '/?'), 403, 'SignatureDoesNotMatch'],
    ['NUL', (to) => to.replace('?', '%00?'), 400, 'InvalidURI'],
    ['a semicolon', (to) => to.replace('?', ';a=b?'), 403, 'SignatureDoesNotMatch'],
    ['half an escape', (to) => to.replace('?', '%?'), 400, 'InvalidURI'],
    ['the bucket with its slash encoded', (to) => to.replace('/postern/', '/postern%2F'), 404, 'NoSuchBucket'],
    ['another date', (to) => to.replace(/(X-Amz-Date=\d{8}T)\d{6}/, '$1000000'), 403, 'AccessDenied'],
    ['a longer life', (to) => to.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=604800'), 403, 'SignatureDoesNotMatch'],
    ['zeros before it', (to) => to.replace('X-Amz-Expires=', 'X-Amz-Expires=00'), 403, 'SignatureDoesNotMatch'],
    ['another service', (to) => to.replace('%2Fs3%2F', '%2Fsts%2F'), 400, 'AuthorizationQueryParametersError'],
    [
      'a credential of six parts',
      (to) => to.replace('X-Amz-Credential=', 'X-Amz-Credential=x%2F'),
      400,
      'AuthorizationQueryParametersError',
    ],
    [
      'another key',
      (to) => to.replace(/Credential=[A-Z0-9]+/, 'Credential=ALICETESTTESTTESTTE1'),
      403,
      'SignatureDoesNotMatch',
    ],
    ['no host signed', (to) => to.replace('%3Bhost', ''), 403, 'AccessDenied'],
    ['more signed than sent', (to) => to.replace('%3Bhost', '%3Bhost%3Bx-amz-acl'), 403, 'SignatureDoesNotMatch'],
    [
      'hex in upper case',
      (to) => to.replace(/Signature=([0-9a-f]+)/, (all) => all.slice(0, 10) + all.slice(10).toUpperCase()),
      403,
      'SignatureDoesNotMatch',
    ],
  ])('12, 25, 71, 73: the URL with %s', async (_name, change, status, code) => {
    expect(change(target)).not.toBe(target)
    await harness.refused(() => put(change(target)), status, code)
  })

  test('rejects another host, and another port', async () => {
    for (const other of [`${host}.evil.example`, 'evil.example', `x@${host}`, host.replace(/:\d+$|$/, ':1')]) {
      await harness.refused(() => put(target, { host: other }), 403, 'SignatureDoesNotMatch')
    }
  })

  test('rejects another type, another length, and no length', async () => {
    await harness.refused(() => put(target, { 'content-type': 'text/html' }), 403, 'SignatureDoesNotMatch')
    await harness.refused(
      () => put(target, { 'content-type': 'text/plain;charset=utf-8' }),
      403,
      'SignatureDoesNotMatch',
    )
    await harness.refused(() => put(target, {}, 'PUT', 'longer than granted'), 403, 'SignatureDoesNotMatch')
    const chunked = rawHead(harness.objectsAt, 'PUT', target, {
      host,
      'content-type': 'text/plain',
      'transfer-encoding': 'chunked',
    })
    await harness.refused(
      async () => {
        const connection = await harness.connect()
        await connection.send(`${chunked}5\r\nbytes\r\n0\r\n\r\n`)
        return connection.answer().finally(() => connection.close())
      },
      403,
      'SignatureDoesNotMatch',
    )
  })

  test('rejects a second mechanism', async () => {
    await harness.refused(() => put(target, { authorization: 'AWS4-HMAC-SHA256 x' }), 400, 'InvalidArgument')
    await harness.refused(() => put(target, { authorization: 'Bearer x' }), 400, 'InvalidArgument')
    await harness.refused(() => put(`${target}&AWSAccessKeyId=a&Signature=b`), 400, 'InvalidArgument')
  })

  test('the URL itself still works after all of these', async () => {
    expect((await put(target)).status).toBe(200)
  })

  test('serves no endpoint outside of the mount path', async () => {
    const { pathname } = new URL(harness.gateway.objectsUrl)
    expect(pathname === '/').toBe(mounting === 'a listener of its own')
    if (pathname === '/') return
    for (const path of [
      target.replace(pathname, `${pathname}x`),
      target.replace(pathname, ''),
      target.replace(pathname, pathname.toUpperCase()),
    ]) {
      const before = await harness.state()
      expect([400, 401, 403, 404, 405]).toContain((await put(path)).status)
      expect(await harness.state()).toEqual(before)
    }
  })
})
