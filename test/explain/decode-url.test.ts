import { describe, expect, it } from 'vitest'
import { decodeUrl, requestOf } from '../../src/explain/decode-url.ts'
import { spanInWords } from '../../src/explain/span.ts'
import { schemeName } from '../../src/explain/url-scheme.ts'
import { credentials, later, signed } from './signed-put.ts'

it('describes the parameters of a URL', () => {
  const url = signed({
    query: { 'response-content-type': 'text/plain; x=1' },
    headers: { 'content-type': 'a/b', 'content-length': '5' },
  })
  expect(decodeUrl(url, later(60), { pathPrefix: '/objects' })).toEqual({
    scheme: 'sigv4',
    via: 'query',
    host: 'files.example.com:4001',
    path: '/objects/bucket/a%20b/c%2Bd%27.jpg',
    bucket: 'bucket',
    key: "a b/c+d'.jpg",
    credential: { accessKeyId: credentials.accessKeyId, date: '20260304', region: 'us-east-1', service: 's3' },
    signedAt: '2026-03-04T10:00:00.000Z',
    expiresIn: 600,
    expiresAt: '2026-03-04T10:10:00.000Z',
    secondsLeft: 540,
    signedHeaders: ['content-length', 'content-type', 'host'],
    mustSend: ['content-type'],
    parameters: [
      { name: 'response-content-type', value: 'text/plain; x=1', effect: null },
      { name: 'x-id', value: 'PutObject', effect: null },
    ],
    hasSessionToken: false,
  })
  expect(decodeUrl(url, later(700)).secondsLeft).toBe(-100)
})

it('describes each parameter that sets a header', () => {
  const query = {
    'x-amz-meta-a': 'b',
    'X-Amz-Acl': 'private',
    'x-amz-tagging': 'a=b',
    'x-amz-checksum-crc32': 'AAAAAA==',
    'x-amz-server-side-encryption': 'AES256',
  }
  const { parameters } = decodeUrl(signed({ query, headers: {} }), later(0))
  expect(Object.fromEntries(parameters.map(({ name, effect }) => [name, effect]))).toEqual({
    'x-amz-meta-a': 'header',
    'X-Amz-Acl': 'header',
    'x-amz-tagging': 'ignored',
    'x-amz-checksum-crc32': 'ignored',
    'x-amz-server-side-encryption': 'refused',
    'x-id': null,
  })
})

it('finds the bucket in the host of AWS, and hides a session token', () => {
  const decoded = decodeUrl(
    'https://my.bucket.s3.eu-west-1.amazonaws.com/a/b%20c?X-Amz-Signature=00&X-Amz-Security-Token=secret-token',
    later(0),
  )
  expect(decoded).toMatchObject({ bucket: 'my.bucket', key: 'a/b c', hasSessionToken: true, credential: null })
  expect(JSON.stringify(decoded)).not.toContain('secret-token')
})

describe('names other signature schemes', () => {
  it.each([
    ['https://b.s3.amazonaws.com/k?AWSAccessKeyId=AKIA&Expires=1700000000&Signature=x', 'sigv2'],
    ['https://storage.googleapis.com/b/k?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=x', 'gcs'],
    ['https://storage.googleapis.com/b/k?GoogleAccessId=a&Expires=1&Signature=x', 'gcs'],
    ['https://a.blob.core.windows.net/c/k?sv=2024-11-04&se=2026-01-01&sr=b&sp=r&sig=x', 'azure'],
    ['https://d1.cloudfront.net/k?Expires=1&Signature=x&Key-Pair-Id=K1', 'cloudfront'],
    ['https://example.com/k?page=2', 'none'],
  ] as const)('%s', (url, scheme) => {
    expect(decodeUrl(url, later(0)).scheme).toBe(scheme)
    expect(schemeName[scheme]).not.toBe('')
  })
})

it('parses a URL without normalising it, and rejects an invalid one', () => {
  expect(requestOf('https://h:443/a/../b%2f?x=+#part', { method: 'GET' })).toMatchObject({
    target: '/a/../b%2f?x=+',
    rawHeaders: ['Host', 'h'],
  })
  expect(() => decodeUrl('ftp://x/y', later(0))).toThrow(/not an http or https URL/)
  expect(() => decodeUrl('uploads/a.jpg', later(0))).toThrow(TypeError)
})

it.each([
  [0.4, '0 s'],
  [59, '59 s'],
  [60, '1 min'],
  [3725, '1 h 2 min'],
  [86_400, '1 d'],
  [200_000, '2 d 7 h'],
])('formats %d s as %s', (seconds, text) => {
  expect(spanInWords(seconds)).toBe(text)
})
