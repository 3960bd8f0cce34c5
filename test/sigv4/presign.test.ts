/** Postern's presigner equals the AWS SDK's byte for byte. Also tests what it refuses to sign. */
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type GetObjectCommandInput,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { presign, type PresignOptions } from '../../src/sigv4/presign.ts'
import type { SigningCredentials } from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'
import { arrives, credentials, keyRing, now, options, temporary } from './fixtures.ts'

type Where = Pick<PresignOptions, 'endpoint' | 'pathStyle' | 'region' | 'credentials'>

const client = (o: Where): S3Client =>
  new S3Client({
    endpoint: o.endpoint,
    forcePathStyle: o.pathStyle,
    region: o.region,
    credentials: o.credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })

const segment = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  fc.constantFrom('a b', 'a+b', '%2F', 'ü', "!'()*~", '', '?', '#', '&=;', '...', '%', '\\'),
)
const key = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join('/'))
  .filter((text) => text !== '' && !/(?:^|\/)\.\.?(?:\/|$)/.test(text))

const where: fc.Arbitrary<Where> = fc
  .record({
    endpoint: fc.constantFrom(
      'http://127.0.0.1:4001',
      'https://s3.example.com',
      'https://s3.example.com:443',
      'http://files.example.com:8080/objects',
      'https://files.example.com/a/b',
      'https://s3.eu-central-1.amazonaws.com',
    ),
    // The SDK has no virtual hosts for addresses, whatever it is asked for.
    pathStyle: fc.boolean(),
    region: fc.constantFrom('us-east-1', 'eu-central-1', 'auto'),
    credentials: fc.oneof(
      fc.constant(credentials),
      fc.constant(temporary),
      fc.record({
        accessKeyId: fc.stringMatching(/^[A-Z0-9]{3,20}$/),
        secretAccessKey: fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }),
        sessionToken: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme-ascii' }),
      }),
    ),
  })
  .map((w) => (w.endpoint.includes('127.0.0.1') ? { ...w, pathStyle: true } : w))

const when = fc.record({
  now: fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-01-01T00:00:00Z'), noInvalidDate: true }),
  expiresIn: fc.integer({ min: 1, max: 604_800 }),
})

const bucket = fc
  .stringMatching(/^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$/)
  .filter((name) => !name.startsWith('xn--') && !/--(x-s3|ol-s3|table-s3)$/.test(name) && !name.endsWith('-s3alias'))

const headerValue = fc.string({ maxLength: 20, unit: 'grapheme-ascii' })
const dropped = new Set([
  'host',
  'date',
  'authorization',
  'expect',
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-security-token',
])
const headerName = fc
  .oneof(
    fc.constantFrom(
      'content-type',
      'content-length',
      'if-none-match',
      'x-amz-meta-a',
      'x-amz-checksum-sha256',
      'cache-control',
      'x-amz-acl',
    ),
    fc.stringMatching(/^[a-z][a-z0-9-]{0,15}$/),
  )
  .filter((name) => !dropped.has(name))
const headers = fc.dictionary(headerName, headerValue, { maxKeys: 5, noNullPrototype: true })

const reserved = /^x-amz-|^x-id$|^uploadId$|^__proto__$/i
const query = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).filter((name) => !reserved.test(name)),
  fc.string({ maxLength: 12, unit: 'grapheme' }),
  { maxKeys: 4, noNullPrototype: true },
)

describe('equals getSignedUrl byte for byte', () => {
  it('for any key, header, parameter, date, endpoint and credentials', async () => {
    await fc.assert(
      fc.asyncProperty(
        where,
        when,
        bucket,
        key,
        headers,
        query,
        async (w, t, bucketName, keyName, extraHeaders, extraQuery) => {
          const s3 = client(w)
          const command = new PutObjectCommand({ Bucket: bucketName, Key: keyName })
          command.middlewareStack.add(
            (next) => (args) => {
              const request = args.request as { headers: Record<string, string>; query: Record<string, string> }
              Object.assign(request.headers, extraHeaders)
              Object.assign(request.query, extraQuery)
              return next(args)
            },
            { step: 'build', priority: 'low' },
          )
          const names = Object.keys(extraHeaders)
          const theirs = await getSignedUrl(s3, command, {
            expiresIn: t.expiresIn,
            signingDate: t.now,
            signableHeaders: new Set(['host', ...names]),
            unhoistableHeaders: new Set(names),
          })
          const ours = presign({
            method: 'PUT',
            bucket: bucketName,
            key: keyName,
            headers: extraHeaders,
            query: extraQuery,
            ...w,
            ...t,
          })
          expect(ours.url).toBe(theirs)
        },
      ),
      { numRuns: 300 },
    )
  })

  const place: Where = {
    endpoint: 'http://127.0.0.1:4001',
    pathStyle: true,
    region: 'us-east-1',
    credentials: temporary,
  }
  const ref = { Bucket: 'postern', Key: 'uploads/a b.jpg' }
  const ours = { bucket: 'postern', key: 'uploads/a b.jpg' }
  const response: Partial<GetObjectCommandInput> = {
    ResponseContentDisposition: `attachment; filename="ü.jpg"; filename*=UTF-8''%C3%BC.jpg`,
    ResponseContentType: 'image/jpeg',
    VersionId: 'v/1+',
  }
  it.each<[name: string, command: unknown, o: Partial<PresignOptions>]>([
    [
      'PutObject',
      new PutObjectCommand({ ...ref, ContentLength: 48_213, IfNoneMatch: '*' }),
      { method: 'PUT', headers: { 'If-None-Match': '*', 'Content-Length': '48213' } },
    ],
    [
      'UploadPart',
      new UploadPartCommand({ ...ref, UploadId: 'u/1', PartNumber: 7 }),
      { method: 'PUT', query: { uploadId: 'u/1', partNumber: '7' } },
    ],
    [
      'GetObject',
      new GetObjectCommand({ ...ref, ...response }),
      {
        method: 'GET',
        query: {
          versionId: 'v/1+',
          'response-content-type': 'image/jpeg',
          'response-content-disposition': response.ResponseContentDisposition!,
        },
      },
    ],
    ['HeadObject', new HeadObjectCommand(ref), { method: 'HEAD' }],
    ['DeleteObject', new DeleteObjectCommand(ref), { method: 'DELETE' }],
    ['CreateMultipartUpload', new CreateMultipartUploadCommand(ref), { method: 'POST', query: { uploads: '' } }],
    [
      'AbortMultipartUpload',
      new AbortMultipartUploadCommand({ ...ref, UploadId: 'u' }),
      { method: 'DELETE', query: { uploadId: 'u' } },
    ],
  ])('%s', async (_, command, o) => {
    const theirs = await getSignedUrl(client(place), command as PutObjectCommand, { expiresIn: 60, signingDate: now })
    expect(presign({ ...place, ...ours, method: 'GET', expiresIn: 60, now, ...o }).url).toBe(theirs)
  })

  it('ListObjectsV2, a request on the bucket', async () => {
    const theirs = await getSignedUrl(client(place), new ListObjectsV2Command({ Bucket: 'postern', Prefix: 'a b/' }), {
      expiresIn: 60,
      signingDate: now,
    })
    const listing = { 'list-type': '2', prefix: 'a b/' }
    expect(presign({ ...place, bucket: 'postern', method: 'GET', query: listing, expiresIn: 60, now }).url).toBe(theirs)
  })
})

describe('presign', () => {
  const base: PresignOptions = {
    method: 'PUT',
    endpoint: 'https://files.example.com/objects/',
    bucket: 'postern',
    key: 'uploads/a.jpg',
    pathStyle: true,
    credentials,
    region: 'us-east-1',
    expiresIn: 600,
    now,
  }

  it('returns what to send, never content-length', () => {
    const {
      url,
      headers: toSend,
      expiresAt,
    } = presign({
      ...base,
      headers: { 'Content-Type': 'image/jpeg', 'Content-Length': '5', 'x-amz-meta-a': 'b' },
    })
    expect(toSend).toEqual({ 'content-type': 'image/jpeg', 'x-amz-meta-a': 'b' })
    expect(expiresAt).toEqual(new Date('2026-03-04T05:16:07Z'))
    expect(url).toMatch(/^https:\/\/files\.example\.com\/objects\/postern\/uploads\/a\.jpg\?/)
    expect(url).toContain('X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bx-amz-meta-a')
    const sent = arrives('PUT', url, { ...toSend, 'content-length': '5' })
    expect(verifyRequest(sent, options)!.signedHeaders.get('content-length')).toBe('5')
  })

  it('keeps consecutive signers apart', () => {
    const another: SigningCredentials = { ...credentials, secretAccessKey: 'another' }
    const variants: Partial<PresignOptions>[] = [
      {},
      { credentials: another },
      { credentials: temporary },
      { region: 'eu-west-1' },
      { bucket: 'other' },
      { endpoint: 'https://files.example.org' },
      { pathStyle: false },
      { now: new Date(now.getTime() + 1000) },
      { now: new Date(now.getTime() + 86_400_000) },
    ]
    const urls = variants.map((variant) => presign({ ...base, ...variant }).url)
    expect(new Set(urls).size).toBe(variants.length)
    expect(variants.map((variant) => presign({ ...base, ...variant }).url)).toEqual(urls)
  })

  it('detects credentials that were changed in place', () => {
    const rotating = { ...credentials }
    const before = presign({ ...base, credentials: rotating }).url
    rotating.secretAccessKey = 'rotated'
    const after = presign({ ...base, credentials: rotating }).url
    expect(after).not.toBe(before)
    const o = { ...options, keys: keyRing(rotating) }
    expect(verifyRequest(arrives('PUT', after), o)).not.toBeNull()
  })

  it.each<[why: string, o: Partial<PresignOptions>]>([
    ['no time', { expiresIn: 0 }],
    ['a negative time', { expiresIn: -1 }],
    ['more than seven days', { expiresIn: 604_801 }],
    ['a part of a second', { expiresIn: 1.5 }],
    ['NaN', { expiresIn: Number.NaN }],
    ['an empty key', { key: '' }],
    ['a key that clients collapse', { key: 'a/../b' }],
    ['.', { key: '.' }],
    ['a dot at the end', { key: 'a/..' }],
    ['an empty bucket', { bucket: '' }],
    ['a bucket that is no host name', { bucket: 'a/b', pathStyle: false }],
    ['an endpoint with a query', { endpoint: 'https://example.com/?a=b' }],
    ['an endpoint with a password', { endpoint: 'https://a:b@example.com' }],
    ['a parameter of the signature', { query: { 'X-Amz-Expires': '604800' } }],
    ['the same in lower case', { query: { 'x-amz-expires': '604800' } }],
    ['the host', { headers: { Host: 'evil.example.com' } }],
    ['a header with a line break', { headers: { 'content-type': 'a\r\nx-amz-acl: public-read' } }],
    ['a header that clients encode in different ways', { headers: { 'x-amz-meta-a': 'ü' } }],
    ['one header twice', { headers: { 'Content-Type': 'a', 'content-type': 'b' } }],
  ])('refuses %s', (_, o) => {
    expect(() => presign({ ...base, ...o })).toThrow(/./)
  })
})
