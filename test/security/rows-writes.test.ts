/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Rows 28, 30 to 34: every route that writes, by every way to claim an identity that is not one. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { keys, startHarness, type Headers, type Harness } from './harness.ts'

let harness: Harness
let uploadId: string
beforeAll(async () => {
  harness = await startHarness()
  await harness.signed('alice', 'PUT', '/alice-1')
  await harness.signed('alice', 'PUT', '/alice-1/there', { body: 'there', headers: { 'x-amz-acl': 'public-read' } })
  const begun = await harness.signed('alice', 'POST', '/alice-1/parts?uploads')
  uploadId = /<UploadId>([^<]*)</.exec(begun.text)?.[1] ?? ''
})
afterAll(() => harness?.close())

type Route = { method: string; path: string; body?: string; headers?: Headers }
const tags = '<Tagging><TagSet/></Tagging>'
const rules =
  '<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>'
const routes: Route[] = [
  { method: 'PUT', path: '/alice-1/new', body: 'x' },
  { method: 'PUT', path: '/alice-1/there', body: 'x' },
  { method: 'PUT', path: '/alice-1/copy', headers: { 'x-amz-copy-source': 'alice-1/there' } },
  { method: 'DELETE', path: '/alice-1/there' },
  { method: 'POST', path: '/alice-1/new?uploads' },
  { method: 'PUT', path: '/alice-1/parts?partNumber=1&uploadId=UPLOAD', body: 'x' },
  {
    method: 'PUT',
    path: '/alice-1/parts?partNumber=1&uploadId=UPLOAD',
    headers: { 'x-amz-copy-source': 'alice-1/there' },
  },
  { method: 'POST', path: '/alice-1/parts?uploadId=UPLOAD', body: '<CompleteMultipartUpload/>' },
  { method: 'DELETE', path: '/alice-1/parts?uploadId=UPLOAD' },
  { method: 'POST', path: '/alice-1?delete', body: '<Delete><Object><Key>there</Key></Object></Delete>' },
  { method: 'PUT', path: '/alice-1/there?tagging', body: tags },
  { method: 'DELETE', path: '/alice-1/there?tagging' },
  { method: 'PUT', path: '/alice-1/there?acl', headers: { 'x-amz-acl': 'private' } },
  { method: 'PUT', path: '/alice-1?acl', headers: { 'x-amz-acl': 'public-read' } },
  { method: 'PUT', path: '/alice-1?cors', body: rules },
  { method: 'DELETE', path: '/alice-1?cors' },
  { method: 'DELETE', path: '/alice-1' },
  { method: 'PUT', path: '/another-1' },
]

const streaming = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
const digests = (body: string): Headers =>
  body.startsWith('<') ? { 'content-md5': createHash('md5').update(body).digest('base64') } : {}

describe.each(routes)('$method $path $headers', ({ method, path, body = '', headers = {} }) => {
  const target = (): string => path.replace('UPLOAD', uploadId)
  const all: Headers = { 'content-length': String(body.length), ...digests(body), ...headers }
  const plain = (extra: Headers, to = target()): Promise<RawAnswer> =>
    harness.raw(method, to, { ...all, ...extra }, body)
  const signedBy = (
    change: (headers: Headers) => Headers,
    o: { secret?: string; id?: string; payload?: string; now?: Date } = {},
  ): Promise<RawAnswer> => {
    const { headers: signed } = signRequest({
      method,
      url: harness.objectsAt + target(),
      headers: all,
      payload: o.payload ?? 'UNSIGNED-PAYLOAD',
      credentials: {
        accessKeyId: o.id ?? keys.alice.accessKeyId,
        secretAccessKey: o.secret ?? keys.alice.secretAccessKey,
      },
      region: 'us-east-1',
      now: o.now ?? new Date(),
    })
    return harness.raw(method, target(), change(signed as Headers), body)
  }
  const same = (sent: Headers): Headers => sent

  test.each<[string, () => Promise<RawAnswer>, number, string]>([
    ['nobody', () => plain({}), 403, 'AccessDenied'],
    ['Basic', () => plain({ authorization: 'Basic YWxpY2U6eA==' }), 400, 'InvalidArgument'],
    ['Bearer', () => plain({ authorization: 'Bearer x' }), 400, 'InvalidArgument'],
    [
      'an unknown algorithm',
      () => plain({ authorization: 'AWS4-ECDSA-P256-SHA256 Credential=a' }),
      400,
      'InvalidArgument',
    ],
    [
      'the algorithm in other letters',
      () => signedBy((sent) => ({ ...sent, authorization: sent['authorization']!.toLowerCase() })),
      400,
      'InvalidArgument',
    ],
    ['the old signature', () => plain({ authorization: 'AWS ALICETESTTESTTESTTE1:abc=' }), 400, 'InvalidRequest'],
    [
      'half a signature',
      () => plain({ authorization: 'AWS4-HMAC-SHA256 Credential=a/b/c/d/e' }),
      400,
      'AuthorizationHeaderMalformed',
    ],
    ['an unknown key', () => signedBy(same, { id: 'NOBODYNOBODYNOBODY12' }), 403, 'InvalidAccessKeyId'],
    ['a wrong secret', () => signedBy(same, { secret: 'wrong-secret' }), 403, 'SignatureDoesNotMatch'],
    [
      'a signature of an hour ago',
      () => signedBy(same, { now: new Date(Date.now() - 3_600_000) }),
      403,
      'RequestTimeTooSkewed',
    ],
    ['no date', () => signedBy((sent) => ({ ...sent, 'x-amz-date': '' })), 403, 'AccessDenied'],
    ['a header nobody signed', () => signedBy((sent) => ({ ...sent, 'x-amz-meta-a': 'b' })), 403, 'AccessDenied'],
    [
      'an ACL nobody signed',
      () => signedBy((sent) => ({ ...sent, 'x-amz-grant-full-control': 'b' })),
      403,
      'AccessDenied',
    ],
    [
      'a payload of no kind',
      () => plain({ authorization: 'AWS4-HMAC-SHA256 x', 'x-amz-content-sha256': 'NONE' }),
      400,
      'AuthorizationHeaderMalformed',
    ],
    [
      'an unsigned stream by a made-up signature',
      () => signedBy(same, { payload: streaming, secret: 'made-up' }),
      403,
      'SignatureDoesNotMatch',
    ],
    [
      'an unsigned stream by nobody',
      () => plain({ 'x-amz-content-sha256': streaming, 'x-amz-decoded-content-length': '1' }),
      403,
      'AccessDenied',
    ],
    [
      'a credential in the query alone',
      () =>
        plain(
          { 'x-amz-content-sha256': streaming },
          `${target()}${target().includes('?') ? '&' : '?'}X-Amz-Credential=${keys.alice.accessKeyId}`,
        ),
      400,
      'AuthorizationQueryParametersError',
    ],
    ['an empty header', () => plain({ authorization: '' }), 403, 'AccessDenied'],
  ])('%s', async (_, send, status, code) => {
    await harness.refused(send, status, code)
  })
})

// Anyone with a key may make a bucket.
test.each(routes.filter(({ path }) => path !== '/another-1'))(
  'the key of another owner: $method $path $headers',
  async ({ method, path, body = '', headers = {} }) => {
    const target = path.replace('UPLOAD', uploadId)
    const send = (): Promise<RawAnswer> =>
      harness.signed('bob', method, target, { body, headers: { ...digests(body), ...headers } })
    await harness.refused(send, 403, 'AccessDenied')
  },
)

test('rejects a form with a policy of another owner, without a policy, and with a signed header instead', async () => {
  await harness.refused(() => harness.post('bob', { bucket: 'alice-1' }), 403, 'AccessDenied')
  const type = { 'content-type': 'multipart/form-data; boundary=b' }
  const body =
    '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n'
  await harness.refused(
    () => harness.raw('POST', '/alice-1', { ...type, 'content-length': String(body.length) }, body),
    403,
    'AccessDenied',
  )
  await harness.refused(() => harness.signed('alice', 'POST', '/alice-1', { headers: type, body }), 403, 'AccessDenied')
})
