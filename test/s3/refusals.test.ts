/** Security cases 56 to 80 over real sockets: invalid requests with a valid signature. */
/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { rawHead, type RawAnswer } from '../fixtures/raw-http.ts'
import { bucket, endpoint, put, refused, serveAlice } from './alice.ts'
import { element } from './endpoint.ts'

serveAlice()

describe('HTTP', () => {
  test.each([
    ['gzip, chunked', { 'transfer-encoding': 'gzip, chunked' }, 501, 'NotImplemented'],
    ['an empty Host', { host: '', 'content-length': '5' }, 400, 'InvalidRequest'],
  ])('%s', async (_, headers, status, code) => {
    await refused(() => endpoint.raw('PUT', `/${bucket}/new`, headers, '0\r\n\r\n'), status, code)
  })

  test('two Hosts, an absolute target, a fragment, TRACE', async () => {
    const send = async (bytes: string): Promise<RawAnswer> => {
      const connection = await endpoint.connect()
      await connection.send(bytes)
      return connection.answer().finally(() => connection.close())
    }
    await refused(() => send('GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'), 400, 'InvalidRequest')
    await refused(() => send('GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n'), 400, 'InvalidURI')
    await refused(() => send('GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n'), 400, 'InvalidURI')
    await refused(() => send('TRACE /a HTTP/1.1\r\nHost: a\r\n\r\n'), 405, 'MethodNotAllowed')
    await refused(() => send('GET /a HTTP/1.1\r\nHost: a\r\nBad Header: b\r\n\r\n'), 400, 'BadRequest')
  })

  test.each(['/alice-1/%zz', '/alice-1/%C3', '/%ff/k', '/alice-1/k?prefix=%C3'])('%s is no URI', async (target) => {
    await refused(() => endpoint.raw('GET', target), 400, 'InvalidURI')
  })

  test('no length', async () => {
    const target = endpoint.target('alice', 'PUT', bucket, 'new')
    await refused(
      () => endpoint.raw('PUT', target, { 'transfer-encoding': 'chunked' }, '5\r\nafter\r\n0\r\n\r\n'),
      411,
      'MissingContentLength',
    )
    await refused(() => endpoint.raw('PUT', target), 411, 'MissingContentLength')
  })

  test('a declared length over the limit, before a byte is read', async () => {
    const target = endpoint.target('gateway', 'PUT', 'postern', 'uploads/big')
    const answer = await refused(
      () => endpoint.raw('PUT', target, { 'content-length': '1048577' }),
      400,
      'EntityTooLarge',
    )
    expect(answer.headers.get('connection')).toBe('close')
    expect(element(answer, 'MaxSizeAllowed')).toBe('1048576')
    expect(element(answer, 'ProposedSize')).toBe('1048577')
    const huge = endpoint.target('alice', 'PUT', bucket, 'new')
    await refused(() => endpoint.raw('PUT', huge, { 'content-length': String(5 * 2 ** 30 + 1) }), 400, 'EntityTooLarge')
  })

  test('Expect: 100-continue gets a 100 only with a valid signature', async () => {
    const expecting = { 'content-length': '5', expect: '100-continue' }
    const target = endpoint.target('alice', 'PUT', bucket, 'expected')
    const answer = await refused(() => endpoint.raw('PUT', `${target}0`, expecting), 403, 'SignatureDoesNotMatch')
    expect(answer.interim).toEqual([])
    const connection = await endpoint.connect()
    await connection.send(rawHead(endpoint.url, 'PUT', target, expecting))
    expect(await connection.interim()).toBe(100)
    await connection.send('bytes')
    expect((await connection.answer()).status).toBe(200)
    connection.close()
  })

  test('a body that breaks off leaves nothing', async () => {
    const before = await endpoint.state()
    for (const size of [100, 900_000]) {
      const connection = await endpoint.connect()
      const target = endpoint.target('alice', 'PUT', bucket, 'broken')
      await connection.send(rawHead(endpoint.url, 'PUT', target, { 'content-length': '1000000' }) + 'x'.repeat(size))
      await sleep(50)
      connection.close()
    }
    await expect.poll(() => endpoint.state()).toEqual(before)
  })

  test('digests', async () => {
    await refused(() => put({ headers: { 'content-md5': 'abc' } }), 400, 'InvalidDigest')
    await refused(() => put({ headers: { 'content-md5': '' } }), 400, 'InvalidDigest')
    await refused(() => put({ headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' } }), 400, 'BadDigest')
    await refused(() => put({ payload: '0'.repeat(64) }), 400, 'XAmzContentSHA256Mismatch')
    await refused(() => put({ payload: 'abc' }), 400, 'InvalidArgument')
    await refused(() => put({ headers: { 'x-amz-checksum-crc32': 'abc' } }), 400, 'InvalidRequest')
    await refused(() => put({ headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } }), 400, 'BadDigest')
    await refused(() => put({ headers: { 'x-amz-checksum-md9': 'AAAAAA==' } }), 400, 'InvalidRequest')
    const two = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' }
    await refused(() => put({ headers: two }), 400, 'InvalidRequest')
    await refused(() => put({ headers: { 'x-amz-sdk-checksum-algorithm': 'CRC32' } }), 400, 'InvalidRequest')
  })

  test('a streaming body for an operation without one', async () => {
    const payload = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
    await refused(() => endpoint.signed('alice', 'GET', `/${bucket}/there`, { payload }), 400, 'InvalidRequest')
    await refused(() => endpoint.signed('alice', 'PUT', '/alice-2', { payload }), 400, 'InvalidRequest')
    await refused(() => put({ payload: 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' }), 400, 'InvalidArgument')
  })

  test('a slow body is 408 with an error that S3 clients know', async () => {
    const { plainAnswer } = await import('../../src/s3/plain-answer.ts')
    expect(plainAnswer(408, 'ID').body).toContain('<Code>RequestTimeout</Code>')
  })
})

describe('ranges and preconditions', () => {
  const get = (headers: Record<string, string>, key = 'there'): Promise<RawAnswer> =>
    endpoint.signed('alice', 'GET', `/${bucket}/${key}`, { headers })

  test.each([
    ['bytes=0-2', 206, 'bef', 'bytes 0-2/6'],
    ['bytes=2-', 206, 'fore', 'bytes 2-5/6'],
    ['bytes=-2', 206, 're', 'bytes 4-5/6'],
    ['bytes=-20', 206, 'before', 'bytes 0-5/6'],
    ['bytes=4-99', 206, 're', 'bytes 4-5/6'],
    ['bytes=0-0,2-3', 200, 'before', undefined],
    ['bytes=3-1', 200, 'before', undefined],
    ['chunks=0-2', 200, 'before', undefined],
    ['bytes=a-b', 200, 'before', undefined],
  ])('Range: %s', async (range, status, text, contentRange) => {
    const answer = await get({ range })
    expect(answer).toMatchObject({ status, text })
    expect(answer.headers.get('content-range')).toBe(contentRange)
    const head = await endpoint.signed('alice', 'HEAD', `/${bucket}/there`, { headers: { range } })
    expect(head.status).toBe(status)
    expect(head.headers.get('content-length')).toBe(String(text.length))
  })

  test.each(['bytes=6-', 'bytes=99-100', 'bytes=-0'])('Range: %s cannot be satisfied', async (range) => {
    await refused(() => get({ range }), 416, 'InvalidRange')
  })

  test('If-Range, If-Match, If-None-Match, dates', async () => {
    const etag = '"7f55d5a6bda58c1e5b1d9ce1bd81ac6c"'
    const head = await endpoint.signed('alice', 'HEAD', `/${bucket}/there`)
    const own = head.headers.get('etag')!
    const modified = head.headers.get('last-modified')!
    const past = new Date(0).toUTCString()
    expect((await get({ range: 'bytes=0-0', 'if-range': own })).status).toBe(206)
    expect((await get({ range: 'bytes=0-0', 'if-range': etag })).status).toBe(200)
    expect((await get({ range: 'bytes=0-0', 'if-range': modified })).status).toBe(206)
    expect((await get({ range: 'bytes=0-0', 'if-range': past })).status).toBe(200)
    expect((await get({ 'if-match': own })).status).toBe(200)
    await refused(() => get({ 'if-match': etag }), 412, 'PreconditionFailed')
    const cached = await get({ 'if-none-match': own })
    expect(cached).toMatchObject({ status: 304, text: '' })
    expect(cached.headers.get('etag')).toBe(own)
    expect((await get({ 'if-none-match': etag })).status).toBe(200)
    expect((await get({ 'if-modified-since': modified })).status).toBe(304)
    expect((await get({ 'if-modified-since': past })).status).toBe(200)
    await refused(() => get({ 'if-unmodified-since': past }), 412, 'PreconditionFailed')
    expect((await get({ 'if-unmodified-since': 'never' })).status).toBe(200)
  })

  test('preconditions on a forbidden object reveal nothing', async () => {
    for (const headers of [{ 'if-match': '"x"' }, { 'if-none-match': '*' }, { range: 'bytes=99-' }]) {
      const { status } = await endpoint.signed('bob', 'GET', `/${bucket}/there`, { headers })
      expect(status).toBe(403)
      expect((await endpoint.raw('GET', `/${bucket}/there`, headers)).status).toBe(403)
      expect((await endpoint.raw('GET', `/${bucket}/absent`, headers)).status).toBe(403)
    }
  })

  test('If-None-Match: * creates once, also for concurrent requests', async () => {
    const headers = { 'if-none-match': '*' }
    await refused(() => put({ headers }, 'there'), 412, 'PreconditionFailed')
    const tries = await Promise.all(Array.from({ length: 8 }, (_, i) => put({ headers, body: `body ${i}` }, 'once')))
    expect(tries.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(tries.every(({ status }) => [200, 409, 412].includes(status))).toBe(true)
    const won = tries.findIndex(({ status }) => status === 200)
    expect((await get({}, 'once')).text).toBe(`body ${won}`)
    await refused(() => put({ headers: { 'if-match': '"x"' } }, 'there'), 412, 'PreconditionFailed')
    await refused(() => put({ headers: { 'if-match': '"x"' } }, 'absent'), 404, 'NoSuchKey')
    await refused(() => put({ headers: { 'if-none-match': '"x"' } }, 'there'), 501, 'NotImplemented')
  })
})
