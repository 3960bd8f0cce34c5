/** URLs and requests by other clients, for keys that encoders treat differently. */
/* oxlint-disable vitest/expect-expect -- expectRefused asserts */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { GetObjectCommand, PutObjectCommand, S3Client, type PutObjectCommandInput } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { AwsV4Signer } from 'aws4fetch'
import { Client as MinioClient } from 'minio'
import { describe, expect, it } from 'vitest'
import { AwsChunkedDecoder, parseDecodedLength, parseTrailerNames } from '../../src/sigv4/aws-chunked.ts'
import { encodePath, parseQuery, splitTarget } from '../../src/sigv4/encode.ts'
import { verifyPostPolicy } from '../../src/sigv4/post-policy.ts'
import type { RawRequest } from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'
import { decode } from './aws-chunked-encoder.ts'
import { arrives, credentials, expectRefused, now, options, temporary, url } from './fixtures.ts'

const keys = [
  'a b',
  'a+b',
  '%2F',
  'ü',
  'u\u0308',
  "!'()*~",
  'a//b',
  'a?b',
  'a#b',
  'a&b=c;d',
  '日本/🌱',
  '%',
  'a%20b',
  '[x]{y}|^`"<>\\@:,$',
]
const endpoint = 'http://127.0.0.1:4001'

const sdk = new S3Client({
  endpoint,
  forcePathStyle: true,
  region: 'us-east-1',
  credentials: temporary,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
})

/** The object that a target names, read as the router does. */
const keyOf = (target: string): string => decodeURIComponent(splitTarget(target).path.slice('/postern/'.length))

describe.each(keys)('key %s', (key) => {
  it('@aws-sdk/s3-request-presigner', async () => {
    const command = new GetObjectCommand({ Bucket: 'postern', Key: key, ResponseContentType: 'a b+c/%2F' })
    const request = arrives('GET', await getSignedUrl(sdk, command, { signingDate: now }))
    expect(verifyRequest(request, options)).toMatchObject({ accessKeyId: temporary.accessKeyId })
    expect(keyOf(request.target)).toBe(key)
    const { query } = splitTarget(request.target)
    expect(parseQuery(query).find(({ name }) => name === 'response-content-type')!.value).toBe('a b+c/%2F')
  })

  it('@aws-sdk/client-s3, Authorization header', async () => {
    let seen:
      | { method: string; path: string; query: Record<string, string>; headers: Record<string, string> }
      | undefined
    const recording = new S3Client({
      endpoint,
      forcePathStyle: true,
      region: 'us-east-1',
      credentials,
      requestHandler: {
        handle: async (request: typeof seen) => {
          seen = request
          throw new Error('recorded')
        },
      } as never,
      maxAttempts: 1,
    })
    const put = new PutObjectCommand({ Bucket: 'postern', Key: key, Body: 'hello', Metadata: { a: 'b  c' } })
    await expect(recording.send(put)).rejects.toThrow('recorded')
    const query = Object.entries(seen!.query)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&')
    const request = arrives('PUT', `${endpoint}${seen!.path}?${query}`, seen!.headers)
    const clock = { now: new Date() }
    expect(verifyRequest(request, { ...options, ...clock })).toMatchObject({
      via: 'header',
      payload: expect.any(String),
    })
    expect(keyOf(request.target)).toBe(key)
  })

  const aws4fetch = async (signQuery: boolean, sessionToken?: string) => {
    const signer = new AwsV4Signer({
      method: 'PUT',
      url: `${endpoint}/postern/${encodePath(key)}?versionId=a%2Bb`,
      headers: { 'x-amz-meta-a': 'b  c' },
      ...(sessionToken === undefined ? credentials : temporary),
      region: 'us-east-1',
      service: 's3',
      signQuery,
      datetime: '20260304T050607Z',
    })
    const signed = await signer.sign()
    return arrives('PUT', signed.url.href, Object.fromEntries(signed.headers))
  }

  it.each([[true], [false]])('aws4fetch, query %s', async (signQuery) => {
    for (const token of [undefined, temporary.sessionToken]) {
      const request = await aws4fetch(signQuery, token)
      expect(verifyRequest(request, options)).toMatchObject({ payload: 'UNSIGNED-PAYLOAD', method: 'PUT' })
      expect(keyOf(request.target)).toBe(key)
    }
  })

  it('minio', async () => {
    const minio = newMinio()
    const headers = { 'response-content-disposition': 'attachment; filename="a b+c.txt"', versionId: 'v' }
    const request = arrives('GET', await minio.presignedGetObject('postern', key, 600, headers, now))
    expect(verifyRequest(request, options)).toMatchObject({ payload: 'UNSIGNED-PAYLOAD' })
    expect(keyOf(request.target)).toBe(key)
  })
})

it('minio POST policy', async () => {
  const minio = newMinio()
  const policy = minio.newPostPolicy()
  policy.setBucket('postern')
  policy.setKeyStartsWith('uploads/')
  policy.setContentType('image/png')
  policy.setContentDisposition('inline')
  policy.setContentLengthRange(1, 1024)
  policy.setUserMetaData({ album: 'ü' })
  const { formData } = await minio.presignedPostPolicy(policy)
  const fields = new Map(Object.entries({ ...(formData as Record<string, string>), key: 'uploads/a.png' }))
  const o = { region: 'us-east-1', keys: options.keys, now: new Date(), bucket: 'postern' }
  expect(verifyPostPolicy(fields, o)).toMatchObject({ contentLengthRange: { min: 1, max: 1024 } })
})

const newMinio = () =>
  new MinioClient({
    endPoint: '127.0.0.1',
    port: 4001,
    useSSL: false,
    region: 'us-east-1',
    accessKey: temporary.accessKeyId,
    secretKey: temporary.secretAccessKey,
    sessionToken: temporary.sessionToken,
  })

describe('streamed by @aws-sdk/client-s3 over a socket', () => {
  type Received = { request: RawRequest; body: Buffer }

  /** Sends one PutObject to a server that answers 200 to anything, and returns what arrived there. */
  async function receive(input: Partial<PutObjectCommandInput>): Promise<Received> {
    const { promise, resolve, reject } = Promise.withResolvers<Received>()
    const server = createServer((req, res) => {
      buffer(req).then((body) => {
        resolve({
          request: { method: req.method!, target: req.url!, rawHeaders: req.rawHeaders, pathPrefix: '' },
          body,
        })
        res.end()
      }, reject)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const s3 = new S3Client({
      endpoint: `http://127.0.0.1:${port}`,
      forcePathStyle: true,
      region: 'us-east-1',
      credentials,
      maxAttempts: 1,
    })
    try {
      await s3.send(new PutObjectCommand({ Bucket: 'postern', Key: 'a b+c', ...input }))
      return await promise
    } finally {
      s3.destroy()
      server.close()
    }
  }

  it.each([0, 10, 8192, 200_000])('%i bytes', async (length) => {
    const bytes = Buffer.alloc(length, 'postern ')
    const stream = Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)].filter((part) => part.length > 0))
    const { request, body } = await receive({ Body: stream, ContentLength: length, Metadata: { a: 'b  c' } })
    const verified = verifyRequest(request, { ...options, now: new Date() })!
    expect(verified.payload).toBe('STREAMING-UNSIGNED-PAYLOAD-TRAILER')
    const header = (name: string): string | undefined => verified.signedHeaders.get(name)
    const decoder = new AwsChunkedDecoder({
      payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      seed: verified.seed!,
      decodedLength: parseDecodedLength(header('x-amz-decoded-content-length')),
      trailerNames: parseTrailerNames(header('x-amz-trailer')),
    })
    expect((await decode(decoder, [body])).equals(bytes)).toBe(true)
    const crc = Buffer.alloc(4)
    crc.writeUInt32BE(crc32(bytes))
    expect([...decoder.trailers]).toEqual([['x-amz-checksum-crc32', crc.toString('base64')]])
  })

  it('a body in memory, with its hash or its checksum in a header', async () => {
    const { request } = await receive({ Body: 'hello' })
    expect(verifyRequest(request, { ...options, now: new Date() })!.payload).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('one canonical form', () => {
  const signed = url({ key: "a!'()*b c" })
  it.each([
    ['raw sub-delimiters', signed.replace('%21%27%28%29%2A', "!'()*")],
    ['lower-case escapes', signed.replace('%2A', '%2a')],
    ['escaped letters', signed.replace('/postern/', '/%70ostern/')],
    ['an escaped slash', signed.replace('/postern/', '/postern%2F')],
    ['k beside k=', url({ query: { k: '' } }).replace('&k=', '&k')],
    ['another order of the parameters', signed.replace(/\?(X-Amz-Algorithm=[^&]*)&(.*)$/, '?$2&$1')],
    ['a raw plus where a plus was signed', url({ key: 'a+b' }).replace('%2B', '+')],
    ['a raw plus in the query where a plus was signed', url({ query: { k: 'a+b' } }).replace('a%2Bb', 'a+b')],
  ])('accepts %s', (_, variant) => {
    expect(verifyRequest(arrives('GET', variant), options)).not.toBeNull()
  })

  it.each([
    ['a raw plus for a space', url({ key: 'a b' }).replace('%20', '+')],
    ['a raw plus for a space in the query', url({ query: { k: 'a b' } }).replace('a%20b', 'a+b')],
    ['a path encoded twice', url({ key: 'a b' }).replace('%20', '%2520')],
    ['a path encoded once less', url({ key: '%2F' }).replace('%252F', '%2F')],
    ['one slash for two', url({ key: 'a//b' }).replace('a//b', 'a/b')],
    ['NFC for NFD', url({ key: 'u\u0308' }).replace('u%CC%88', '%C3%BC')],
  ])('refuses %s', (_, variant) => {
    expectRefused(arrives('GET', variant), 'SignatureDoesNotMatch')
  })
})
