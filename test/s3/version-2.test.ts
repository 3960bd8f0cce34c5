/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Signature version 2 over real sockets: presigned URLs and forms, and what they must not open. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { formVersion2, presignVersion2, type Version2Form, type Version2Options } from '../sigv4/version-2-signer.ts'
import { element, keys, startEndpoint, type Endpoint } from './endpoint.ts'

const bucket = 'alice-1'
let endpoint: Endpoint
let closed: Endpoint

beforeAll(async () => {
  endpoint = await startEndpoint({ acceptsVersion2: () => true, virtualHosts: 's3.example.com' })
  closed = await startEndpoint({ acceptsVersion2: () => false })
  for (const { store, signed } of [endpoint, closed]) {
    await store.createBucket(bucket, { owner: 'alice' })
    await signed('alice', 'PUT', `/${bucket}/k.txt`, { body: 'before', headers: { 'content-type': 'text/plain' } })
  }
  await endpoint.store.createBucket('bob-1', { owner: 'bob' })
  await endpoint.signed('bob', 'PUT', '/bob-1/secret.txt', { body: 'secret' })
  await endpoint.signed('gateway', 'PUT', '/postern/uploads/a.txt', { body: 'granted' })
})
afterAll(async () => {
  await endpoint.close()
  await closed.close()
})

const url = (method: string, o: Partial<Version2Options> = {}): string =>
  presignVersion2({
    method,
    endpoint: endpoint.url,
    bucket,
    key: 'k.txt',
    credentials: keys.alice,
    expiresIn: 600,
    now: new Date(),
    ...o,
  }).slice(endpoint.url.length)

const send = (
  method: string,
  target: string,
  headers: Record<string, string> = {},
  to = endpoint,
): Promise<RawAnswer> =>
  method === 'PUT'
    ? to.raw(method, target, { 'content-length': '5', ...headers }, 'after')
    : to.raw(method, target, headers)

async function refused(
  call: () => Promise<RawAnswer>,
  status: number,
  code: string,
  { at = endpoint, said = /<Error>/ }: { at?: Endpoint; said?: RegExp } = {},
): Promise<void> {
  const before = await at.state()
  const answer = await call()
  expect({ status: answer.status, code: element(answer, 'Code') }).toEqual({ status, code })
  expect(answer.text).toMatch(said)
  await expect.poll(() => at.state()).toEqual(before)
  expect((await at.signed('alice', 'GET', `/${bucket}/k.txt`)).text).toBe('before')
}

describe('a presigned URL of version 2', () => {
  test('reads, and overrides headers of the response', async () => {
    const plain = await send('GET', url('GET'))
    expect([plain.status, plain.text]).toEqual([200, 'before'])
    expect((await send('HEAD', url('HEAD'))).status).toBe(200)
    const query = { 'response-content-disposition': 'attachment; filename="a&b.txt"', 'response-content-type': 'a/b' }
    const overridden = await send('GET', url('GET', { query }))
    expect(overridden.headers.get('content-disposition')).toBe('attachment; filename="a&b.txt"')
    expect(overridden.headers.get('content-type')).toBe('a/b')
  })

  test('writes with the type and metadata of its query', async () => {
    const md5 = createHash('md5').update('after').digest('base64')
    const headers = { 'content-type': 'text/x-a', 'content-md5': md5, 'x-amz-meta-a': 'b  c' }
    expect((await send('PUT', url('PUT', { key: 'a b/ü+.txt', headers }))).status).toBe(200)
    const head = await endpoint.store.headObject({ bucket, key: 'a b/ü+.txt' })
    expect(head).toMatchObject({ contentType: 'text/x-a', metadata: { a: 'b  c' }, contentLength: 5 })
  })

  test('uploads and completes parts, deletes', async () => {
    const created = await endpoint.raw('POST', url('POST', { key: 'big', query: { uploads: null } }))
    const uploadId = element(created, 'UploadId')!
    expect((await send('PUT', url('PUT', { key: 'big', query: { uploadId, partNumber: '1' } }))).status).toBe(200)
    expect((await send('GET', url('GET', { key: 'big', query: { uploadId } }))).text).toMatch(/<PartNumber>1</)
    expect((await send('DELETE', url('DELETE', { key: 'big', query: { uploadId } }))).status).toBe(204)
  })

  test('has its bucket in the host', async () => {
    const signed = presignVersion2({
      method: 'GET',
      endpoint: 'http://s3.example.com',
      bucket,
      key: 'k.txt',
      virtualHost: true,
      credentials: keys.alice,
      expiresIn: 600,
      now: new Date(),
    })
    const { host, pathname, search } = new URL(signed)
    expect((await send('GET', pathname + search, { host })).text).toBe('before')
    await refused(() => send('GET', pathname + search, { host: 'bob-1.s3.example.com' }), 403, 'SignatureDoesNotMatch')
  })

  test('lists a bucket without further parameters', async () => {
    expect((await send('GET', url('GET', { key: '' }))).text).toMatch(/<Key>k\.txt</)
  })
})

describe('a presigned URL of version 2 is refused', () => {
  const SDNM = 'SignatureDoesNotMatch'

  test('if objects.sigV2 does not accept it, and the response names the setting', async () => {
    const said = /Please use AWS4-HMAC-SHA256\..*objects\.sigV2: on/
    for (const method of ['GET', 'PUT', 'DELETE'])
      await refused(() => send(method, url(method), {}, closed), 400, 'InvalidRequest', { at: closed, said })
    await refused(() => send('GET', `/${bucket}/k.txt`, { authorization: 'AWS a:b' }), 400, 'InvalidRequest')
  })

  test('if it has expired, or is valid for more than seven days', async () => {
    await refused(() => send('PUT', url('PUT', { expiresIn: -1 })), 403, 'AccessDenied', { said: /has expired/ })
    const week = 604_800 + 1000
    await refused(() => send('PUT', url('PUT', { expiresIn: week })), 400, 'AuthorizationQueryParametersError')
  })

  test('with another method, key, bucket or secret', async () => {
    await refused(() => send('PUT', url('GET')), 403, SDNM)
    await refused(() => send('DELETE', url('GET')), 403, SDNM)
    await refused(() => send('PUT', url('PUT').replace('k.txt', 'l.txt')), 403, SDNM)
    await refused(() => send('GET', url('GET').replace(bucket, 'bob-1')), 403, SDNM)
    const credentials = { ...keys.alice, secretAccessKey: keys.bob.secretAccessKey }
    await refused(() => send('PUT', url('PUT', { credentials })), 403, SDNM)
  })

  test('with unsigned headers', async () => {
    for (const name of ['x-amz-copy-source', 'x-amz-tagging', 'x-amz-acl', 'x-amz-meta-a', 'x-amz-date'])
      await refused(() => send('PUT', url('PUT'), { [name]: '/bob-1/secret.txt' }), 403, SDNM)
    await refused(() => send('PUT', url('PUT'), { 'content-type': 'text/html' }), 403, SDNM)
  })

  test('with a streaming body', async () => {
    const headers = {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '5',
    }
    await refused(() => send('PUT', url('PUT', { headers }), headers), 400, 'InvalidRequest')
  })

  test('with a copy source in its query that differs from the header', async () => {
    const headers = { 'x-amz-copy-source': `/${bucket}/k.txt` }
    await refused(() => send('PUT', url('PUT', { headers }), { 'x-amz-copy-source': '/bob-1/secret.txt' }), 403, SDNM)
    // Signed by alice, who may not read it.
    const foreign = { 'x-amz-copy-source': '/bob-1/secret.txt' }
    await refused(() => send('PUT', url('PUT', { headers: foreign })), 403, 'AccessDenied')
  })

  test('with additional parameters', async () => {
    for (const added of ['response-content-type=text%2Fhtml', 'versionId=null', 'tagging', 'uploads', 'acl'])
      await refused(() => send('GET', `${url('GET')}&${added}`), 403, SDNM)
    for (const added of ['prefix=a', 'list-type=2', 'attributes', 'legal-hold', 'x-id=GetObject'])
      await refused(() => send('GET', `${url('GET', { key: '' })}&${added}`), 403, 'AccessDenied')
    await refused(() => send('GET', `${url('GET')}&Expires=1`), 400, 'InvalidArgument')
  })

  test('with a second mechanism', async () => {
    const version4 = endpoint.target('alice', 'GET', bucket, 'k.txt')
    await refused(() => send('GET', `${version4}&${url('GET').split('?')[1]!}`), 400, 'InvalidArgument')
    await refused(() => send('GET', url('GET'), { authorization: 'AWS4-HMAC-SHA256 a' }), 400, 'InvalidArgument')
  })

  test('in the gateway’s own bucket, also with the gateway’s key', async () => {
    const own = { bucket: 'postern', key: 'uploads/a.txt' }
    await refused(() => send('GET', url('GET', own)), 403, 'AccessDenied')
    await refused(() => send('PUT', url('PUT', own)), 403, 'AccessDenied')
    const credentials = keys.gateway
    await refused(() => send('PUT', url('PUT', { ...own, credentials })), 400, 'InvalidRequest', {
      said: /own key signs with version 4 only/,
    })
    await refused(() => send('GET', url('GET', { credentials })), 400, 'InvalidRequest')
  })
})

const boundary = 'a-boundary'
const post = (fields: Record<string, string>, to = endpoint): Promise<RawAnswer> => {
  const parts = Object.entries({ ...fields }).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const file = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="own.txt"\r\n\r\ncontent\r\n`
  const text = `${parts.join('')}${file}--${boundary}--\r\n`
  const length = String(Buffer.byteLength(text))
  return to.raw(
    'POST',
    `/${bucket}`,
    { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': length },
    text,
  )
}
const form = (o: Partial<Version2Form> = {}): Record<string, string> =>
  formVersion2({ key: 'form.txt', bucket, credentials: keys.alice, expiresIn: 600, now: new Date(), ...o })

describe('a form of version 2', () => {
  test('stores its file under the conditions of its policy', async () => {
    const conditions = [['content-length-range', 1, 10]]
    const fields = { 'Content-Type': 'text/x-form', 'x-amz-meta-a': 'b', success_action_status: '201' }
    expect((await post(form({ fields, conditions }))).status).toBe(201)
    const head = await endpoint.store.headObject({ bucket, key: 'form.txt' })
    expect(head).toMatchObject({ contentType: 'text/x-form', metadata: { a: 'b' }, contentLength: 7 })
  })

  test('is refused if objects.sigV2 does not accept it', async () => {
    const said = /Please use AWS4-HMAC-SHA256\..*objects\.sigV2: on/
    await refused(() => post(form(), closed), 400, 'InvalidRequest', { at: closed, said })
  })

  test('is refused with a missing field or a changed policy', async () => {
    for (const name of ['policy', 'AWSAccessKeyId', 'signature']) {
      const { [name]: _, ...rest } = form()
      await refused(() => post(rest), 400, 'InvalidArgument', { said: /must contain a field named/ })
    }
    const fields = form()
    const policy = Buffer.from(fields['policy']!, 'base64').toString().replace('form.txt', 'evil.txt')
    await refused(
      () => post({ ...fields, policy: Buffer.from(policy).toString('base64') }),
      403,
      'SignatureDoesNotMatch',
    )
    await refused(() => post({ ...fields, signature: 'AAAA' }), 403, 'SignatureDoesNotMatch')
    await refused(() => post({ ...fields, AWSAccessKeyId: 'NOBODY' }), 403, 'InvalidAccessKeyId')
  })

  test('is refused once expired, with unsigned fields, and for another key or size', async () => {
    await refused(() => post(form({ expiresIn: -1 })), 403, 'AccessDenied', { said: /Policy expired/ })
    await refused(() => post({ ...form(), acl: 'public-read' }), 403, 'AccessDenied', { said: /Extra input fields/ })
    await refused(() => post({ ...form(), key: 'k.txt' }), 403, 'AccessDenied', { said: /Policy Condition failed/ })
    await refused(() => post(form({ bucket: 'bob-1' })), 403, 'AccessDenied', { said: /Policy Condition failed/ })
    await refused(() => post(form({ conditions: [['content-length-range', 1, 2]] })), 400, 'EntityTooLarge')
  })

  test('is refused with fields of both versions, and with the gateway’s key', async () => {
    await refused(() => post({ ...form(), 'x-amz-algorithm': 'AWS4-HMAC-SHA256' }), 400, 'InvalidArgument')
    await refused(() => post(form({ credentials: keys.gateway })), 400, 'InvalidRequest')
  })
})
