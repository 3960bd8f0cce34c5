/** The examples of AWS's documentation, each with its published signature. */
import { describe, expect, it } from 'vitest'
import { AwsChunkedDecoder } from '../../src/sigv4/aws-chunked.ts'
import { verifyPostPolicy } from '../../src/sigv4/post-policy.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'
import { decode } from './aws-chunked-encoder.ts'
import { arrives, keyRing } from './fixtures.ts'

const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const now = new Date('2013-05-24T00:00:00Z')
const verifying = { region: 'us-east-1', service: 's3' as const, keys: keyRing(credentials), now }
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const bucketUrl = 'https://examplebucket.s3.amazonaws.com'

const examples = [
  {
    name: 'GET Object with a range',
    method: 'GET',
    url: `${bucketUrl}/test.txt`,
    headers: { range: 'bytes=0-9' },
    payload: emptyHash,
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'PUT Object',
    method: 'PUT',
    url: `${bucketUrl}/test$file.text`,
    headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    payload: '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET Bucket Lifecycle',
    method: 'GET',
    url: `${bucketUrl}/?lifecycle`,
    headers: {},
    payload: emptyHash,
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'Get Bucket (List Objects)',
    method: 'GET',
    url: `${bucketUrl}/?max-keys=2&prefix=J`,
    headers: {},
    payload: emptyHash,
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
]

describe('Authorization header', () => {
  it.each(examples)('$name', ({ method, url, headers, payload, signature }) => {
    const signed = signRequest({ method, url, headers, payload, credentials, region: 'us-east-1', now })
    expect(signed.seed.signature).toBe(signature)
    expect(verifyRequest(arrives(method, url, signed.headers), verifying)).toMatchObject({ via: 'header', payload })
  })
})

it('presigned GET', () => {
  const url =
    `${bucketUrl}/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256` +
    '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z' +
    '&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
    '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
  const verified = verifyRequest(arrives('GET', url), verifying)
  expect(verified).toMatchObject({
    via: 'query',
    payload: 'UNSIGNED-PAYLOAD',
    expiresAt: new Date('2013-05-25T00:00:00Z'),
  })
})

describe('chunked upload', () => {
  const data = Buffer.alloc(66_560, 'a')
  const upload = (payload: string, headers: Record<string, string>) => {
    const request = {
      method: 'PUT',
      url: 'https://s3.amazonaws.com/examplebucket/chunkObject.txt',
      headers: {
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '66560',
        ...headers,
      },
      payload,
      credentials,
      region: 'us-east-1',
      now,
    }
    return verifyRequest(arrives('PUT', request.url, signRequest(request).headers), verifying)!
  }

  it('without a trailer', async () => {
    const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
    const { seed } = upload(payload, { 'content-length': '66824' })
    expect(seed?.signature).toBe('4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9')
    const body = Buffer.concat([
      Buffer.from('10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n'),
      data.subarray(0, 65_536),
      Buffer.from('\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n'),
      data.subarray(65_536),
      Buffer.from('\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n'),
    ])
    expect(body).toHaveLength(66_824)
    const decoder = new AwsChunkedDecoder({ payload, seed: seed!, decodedLength: 66_560, trailerNames: [] })
    expect((await decode(decoder, [body])).equals(data)).toBe(true)
  })

  it('with a trailer', async () => {
    const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
    const { seed } = upload(payload, { 'x-amz-trailer': 'x-amz-checksum-crc32c' })
    expect(seed?.signature).toBe('106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e')
    const body = Buffer.concat([
      Buffer.from('10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n'),
      data.subarray(0, 65_536),
      Buffer.from('\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n'),
      data.subarray(65_536),
      Buffer.from('\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n'),
      Buffer.from('x-amz-checksum-crc32c:sOO8/Q==\n'),
      Buffer.from('x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n'),
    ])
    const trailerNames = ['x-amz-checksum-crc32c']
    const decoder = new AwsChunkedDecoder({ payload, seed: seed!, decodedLength: 66_560, trailerNames })
    expect((await decode(decoder, [body])).equals(data)).toBe(true)
    expect([...decoder.trailers]).toEqual([['x-amz-checksum-crc32c', 'sOO8/Q==']])
  })
})

it('POST policy', () => {
  const policy = [
    '{ "expiration": "2015-12-30T12:00:00.000Z",',
    '  "conditions": [',
    '    {"bucket": "sigv4examplebucket"},',
    '    ["starts-with", "$key", "user/user1/"],',
    '    {"acl": "public-read"},',
    '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},',
    '    ["starts-with", "$Content-Type", "image/"],',
    '    {"x-amz-meta-uuid": "14365123651274"},',
    '    {"x-amz-server-side-encryption": "AES256"},',
    '    ["starts-with", "$x-amz-meta-tag", ""],',
    '',
    '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},',
    '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
    '    {"x-amz-date": "20151229T000000Z" }',
    '  ]',
    '}',
  ].join('\r\n')
  const fields = new Map([
    ['key', 'user/user1/photo.png'],
    ['acl', 'public-read'],
    ['success_action_redirect', 'http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html'],
    ['Content-Type', 'image/jpeg'],
    ['x-amz-meta-uuid', '14365123651274'],
    ['x-amz-server-side-encryption', 'AES256'],
    ['X-Amz-Credential', 'AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request'],
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Date', '20151229T000000Z'],
    ['x-amz-meta-tag', ''],
    ['Policy', Buffer.from(policy).toString('base64')],
    ['X-Amz-Signature', '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e'],
  ])
  const verified = verifyPostPolicy(fields, {
    region: 'us-east-1',
    keys: keyRing(credentials),
    now: new Date('2015-12-29T00:00:00Z'),
    bucket: 'sigv4examplebucket',
  })
  expect(verified).toMatchObject({ accessKeyId: credentials.accessKeyId, expiresAt: new Date('2015-12-30T12:00:00Z') })
})
