/** Security cases 1 to 27 over real sockets: the response to an invalid presigned URL. */
/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { element, keys, startEndpoint, type Endpoint } from './endpoint.ts'

const now = new Date('2026-03-04T12:00:00Z')
const bucket = 'alice-1'
let endpoint: Endpoint

beforeAll(async () => {
  endpoint = await startEndpoint({ now: () => now })
  await endpoint.store.createBucket(bucket, { owner: 'alice' })
  await endpoint.signed('alice', 'PUT', `/${bucket}/secret.txt`, { body: 'secret' })
  await endpoint.signed('alice', 'PUT', `/${bucket}/k.txt`, { body: 'before' })
})
afterAll(() => endpoint.close())

const put = (o?: Parameters<Endpoint['target']>[4]): string => endpoint.target('alice', 'PUT', bucket, 'k.txt', o)
const get = (o?: Parameters<Endpoint['target']>[4]): string => endpoint.target('alice', 'GET', bucket, 'k.txt', o)
const replaced = (target: string, name: string, value: string): string =>
  target.replace(new RegExp(`${name}=[^&]*`), `${name}=${value}`)
const without = (target: string, name: string): string => target.replace(new RegExp(`&?${name}=[^&]*`), '')

/** Refused, and nothing but the refusal happened. */
async function refused(
  send: () => Promise<RawAnswer>,
  status: number,
  code: string,
  o: { said?: RegExp } = {},
): Promise<RawAnswer> {
  const before = await endpoint.state()
  const answer = await send()
  expect({ status: answer.status, code: element(answer, 'Code') }).toEqual({ status, code })
  expect(answer.headers.get('content-type')).toBe('application/xml')
  expect(element(answer, 'RequestId')).toBe(answer.headers.get('x-amz-request-id'))
  expect(answer.text).toMatch(o.said ?? /<Error>/)
  expect(await endpoint.state()).toEqual(before)
  expect((await endpoint.raw('GET', get())).text).toBe('before')
  return answer
}

const write = (target: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
  endpoint.raw('PUT', target, { 'content-length': '5', ...headers }, 'after')

const AQPE = 'AuthorizationQueryParametersError'
const SDNM = 'SignatureDoesNotMatch'

describe('a malformed signature', () => {
  const parameters = ['Algorithm', 'Credential', 'Signature', 'Date', 'SignedHeaders', 'Expires'].map(
    (n) => `X-Amz-${n}`,
  )
  test.each(parameters)('%s missing or empty', async (name) => {
    await refused(() => write(without(put(), name)), 400, AQPE)
    await refused(() => write(replaced(put(), name, '')), 400, AQPE)
  })

  const id = keys.alice.accessKeyId
  const scope = (region = 'us-east-1', service = 's3', end = 'aws4_request', day = '20260304'): string =>
    [id, day, region, service, end].join('%2F')
  test.each([
    ['an old algorithm', 'X-Amz-Algorithm', 'AWS4-SHA256'],
    ['a credential of three parts', 'X-Amz-Credential', `${id}%2F20260304%2Fus-east-1`],
    ['a credential encoded twice', 'X-Amz-Credential', scope().replaceAll('%2F', '%252F')],
    ['another region', 'X-Amz-Credential', scope('eu-west-1')],
    ['another service', 'X-Amz-Credential', scope('us-east-1', 'sqs')],
    ['another terminator', 'X-Amz-Credential', scope('us-east-1', 's3', 'aws5_request')],
    ['another day', 'X-Amz-Credential', scope('us-east-1', 's3', 'aws4_request', '20260303')],
    ['a malformed date', 'X-Amz-Date', '2026-03-04T12:00:00Z'],
    ['February 30', 'X-Amz-Date', '20260230T120000Z'],
    ['Expires abc', 'X-Amz-Expires', 'abc'],
    ['Expires 0x10', 'X-Amz-Expires', '0x10'],
    ['Expires 1e3', 'X-Amz-Expires', '1e3'],
    ['Expires " 60"', 'X-Amz-Expires', '%2060'],
    ['Expires 60.5', 'X-Amz-Expires', '60.5'],
    ['Expires -3', 'X-Amz-Expires', '-3'],
    ['Expires 604801', 'X-Amz-Expires', '604801'],
  ])('%s', async (_, name, value) => {
    await refused(() => write(replaced(put(), name, value)), 400, AQPE)
  })

  test('a token that was never issued', async () => {
    await refused(() => write(`${put()}&X-Amz-Security-Token=abc`), 400, AQPE)
  })

  test.each([
    ['a parameter twice', '&x-id=PutObject'],
    ['brackets', '&expires[]=1'],
    ['__proto__', '&__proto__=1'],
  ])('%s', async (_, more) => {
    const before = await endpoint.state()
    const answer = await write(put() + more)
    expect(answer.status).toBe(400)
    expect(await endpoint.state()).toEqual(before)
  })
})

describe('a signature for something else', () => {
  test('expired, at once, or not valid yet', async () => {
    const late = put({ now: new Date(now.getTime() - 601_000) })
    const answer = await refused(() => write(late), 403, 'AccessDenied', { said: /Request has expired/ })
    expect(element(answer, 'X-Amz-Expires')).toBe('600')
    expect(element(answer, 'Expires')).toBe('2026-03-04T11:59:59Z')
    expect(element(answer, 'ServerTime')).toBe('2026-03-04T12:00:00Z')
    await refused(() => write(replaced(put(), 'X-Amz-Expires', '0')), 403, 'AccessDenied')
    const early = put({ now: new Date(now.getTime() + 901_000) })
    await refused(() => write(early), 403, 'AccessDenied', { said: /Request is not valid yet/ })
  })

  test('an unknown key, a wrong secret', async () => {
    await refused(() => write(put().replace(keys.alice.accessKeyId, 'NOBODY')), 403, 'InvalidAccessKeyId')
    await refused(() => write(put().replace(keys.alice.accessKeyId, keys.bob.accessKeyId)), 403, SDNM)
  })

  test('method, key, host, parameters', async () => {
    await refused(() => write(get()), 403, SDNM)
    await refused(() => write(put().replace('k.txt', 'l.txt')), 403, SDNM)
    await refused(() => write(put(), { host: 'other.example.com' }), 403, SDNM)
    await refused(() => write(replaced(put(), 'X-Amz-Expires', '601')), 403, SDNM)
    for (const more of ['response-content-type=text%2Fhtml', 'versionId=null', 'uploadId=abc']) {
      await refused(() => endpoint.raw('GET', `${get()}&${more}`), 403, SDNM)
    }
    await refused(() => endpoint.raw('DELETE', get()), 403, SDNM)
    expect(await endpoint.raw('HEAD', get())).toMatchObject({ status: 403, text: '' })
  })

  test('a signature that is short, long or not hex', async () => {
    for (const signature of ['ab', 'z'.repeat(64), 'a'.repeat(128), '%F0%9F%98%80']) {
      await refused(() => write(replaced(put(), 'X-Amz-Signature', signature)), 403, SDNM)
    }
  })

  test('the response shows the string to sign, and no key or computed MAC', async () => {
    const answer = await write(replaced(put(), 'X-Amz-Signature', '0'.repeat(64)))
    expect(element(answer, 'StringToSign')).toMatch(/^AWS4-HMAC-SHA256\n20260304T120000Z\n/)
    expect(element(answer, 'CanonicalRequest')).toMatch(/^PUT\n\/alice-1\/k\.txt\n/)
    const real = /X-Amz-Signature=([0-9a-f]{64})/.exec(put())![1]!
    expect(answer.text).not.toContain(real)
    expect(answer.text).not.toContain(keys.alice.secretAccessKey)
    expect(endpoint.log.join('')).not.toContain(real)
  })
})

describe('headers next to the signature', () => {
  test.each([
    ['x-amz-copy-source', '/alice-1/secret.txt'],
    ['x-amz-tagging', 'a=b'],
    ['x-amz-acl', 'public-read'],
    ['x-amz-meta-a', 'b'],
    ['x-amz-date', '20260304T120000Z'],
    ['x-amz-expires', '600'],
    ['x-amz-user-agent', 'a'],
  ])('%s unsigned', async (name, value) => {
    const answer = await refused(() => write(put(), { [name]: value }), 403, 'AccessDenied', { said: /not signed/ })
    expect(element(answer, 'HeadersNotSigned')).toBe(name)
  })

  test('a signed header absent or changed', async () => {
    const target = put({ headers: { 'content-type': 'image/png' } })
    await refused(() => write(target), 403, SDNM)
    await refused(() => write(target, { 'content-type': 'text/html' }), 403, SDNM)
  })

  test('an unsigned content-type is accepted', async () => {
    const target = endpoint.target('alice', 'PUT', bucket, 'typed')
    expect((await write(target, { 'content-type': 'text/csv' })).status).toBe(200)
    expect((await endpoint.store.headObject({ bucket, key: 'typed' })).contentType).toBe('text/csv')
  })

  test('a checksum in the query is ignored, one in a header enforced', async () => {
    const query = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-sdk-checksum-algorithm': 'CRC32' }
    expect((await write(endpoint.target('alice', 'PUT', bucket, 'old-sdk', { query }))).status).toBe(200)
    const headers = { 'x-amz-checksum-crc32': 'AAAAAA==' }
    await refused(() => write(put({ headers }), headers), 400, 'BadDigest')
  })

  test('the payload’s hash can be unsigned, and is enforced', async () => {
    const wrong = { 'x-amz-content-sha256': '0'.repeat(64) }
    await refused(() => write(put(), wrong), 400, 'XAmzContentSHA256Mismatch')
  })

  test('two mechanisms, and signature version 2', async () => {
    await refused(() => write(put(), { authorization: 'AWS4-HMAC-SHA256 a' }), 400, 'InvalidArgument', {
      said: /Only one auth mechanism allowed/,
    })
    const old = `/${bucket}/k.txt?AWSAccessKeyId=a&Expires=1893456000&Signature=b`
    await refused(() => write(old), 400, 'InvalidRequest', { said: /AWS4-HMAC-SHA256/ })
    await refused(() => write(`/${bucket}/k.txt`, { authorization: 'AWS a:b' }), 400, 'InvalidRequest')
  })

  test('a signed length', async () => {
    const headers = { 'content-length': '5' }
    const target = endpoint.target('alice', 'PUT', bucket, 'five', { headers })
    await refused(() => endpoint.raw('PUT', target, { 'content-length': '6' }, 'longer'), 403, SDNM)
    expect((await write(target)).status).toBe(200)
  })
})

test.each([
  'a b',
  'a+b',
  'a%2Fb',
  'ü',
  "!'()*~",
  'a//b',
  'a?b#c',
  'a/b/../c'.replace('/..', '/..c'),
  '%',
  '💾',
  "q'<&>",
])('the key %j: what was signed is what is stored', async (key) => {
  expect((await write(endpoint.target('alice', 'PUT', bucket, key))).status).toBe(200)
  expect((await endpoint.store.headObject({ bucket, key })).contentLength).toBe(5)
  expect((await endpoint.raw('GET', endpoint.target('alice', 'GET', bucket, key))).text).toBe('after')
})

test('a raw plus is no space', async () => {
  const target = endpoint.target('alice', 'PUT', bucket, 'x y').replace('x%20y', 'x+y')
  await refused(() => write(target), 403, SDNM)
})

test('metadata sent twice, with double spaces and UTF-8, is read as signed', async () => {
  const value = Buffer.from('né  à', 'utf8').toString('latin1')
  const answer = await endpoint.signed('alice', 'PUT', `/${bucket}/meta`, {
    body: 'x',
    headers: { 'x-amz-meta-a': value },
  })
  expect(answer.status).toBe(200)
  const got = await endpoint.signed('alice', 'GET', `/${bucket}/meta`)
  expect(got.headers.get('x-amz-meta-a')).toBe(value)
})
