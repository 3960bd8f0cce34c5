/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Security rows 32 to 41 over real sockets: bodies in aws-chunked encoding. */
import { createHmac, type KeyObject } from 'node:crypto'
import { Readable } from 'node:stream'
import { PutObjectCommand, S3Client, UploadPartCommand, CreateMultipartUploadCommand } from '@aws-sdk/client-s3'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { rawHead, type RawAnswer } from '../fixtures/raw-http.ts'
import { element, keys, sha256, startEndpoint, type Endpoint } from './endpoint.ts'

const bucket = 'alice-1'
let endpoint: Endpoint
beforeAll(async () => {
  endpoint = await startEndpoint()
  await endpoint.store.createBucket(bucket, { owner: 'alice' })
})
afterAll(() => endpoint.close())

const data = 'x'.repeat(10_000) + 'the end'
const crc = (text: string): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(text))
  return bytes.toString('base64')
}
const hmac = (key: KeyObject, text: string): string => createHmac('sha256', key).update(text).digest('hex')

type Sent = {
  payload: string
  chunks?: string[]
  headers?: Record<string, string>
  trailers?: [string, string][]
  /** Changes the encoded body before it is sent. */
  damage?: (body: string) => string
}

async function send(o: Sent): Promise<RawAnswer> {
  const chunks = o.chunks ?? [data.slice(0, 8192), data.slice(8192)]
  const length = chunks.join('').length
  const target = `/${bucket}/streamed`
  const trailers = o.trailers ?? []
  const signedChunks = o.payload.startsWith('STREAMING-AWS4')
  const encode = (seed: ReturnType<typeof signRequest>['seed']): string => {
    let previous = seed.signature
    let body = ''
    for (const chunk of [...chunks, '']) {
      const text = ['AWS4-HMAC-SHA256-PAYLOAD', seed.amzDate, seed.scope, previous, sha256(''), sha256(chunk)].join(
        '\n',
      )
      previous = hmac(seed.signingKey, text)
      body += `${chunk.length.toString(16)}${signedChunks ? `;chunk-signature=${previous}` : ''}\r\n`
      if (chunk !== '') body += `${chunk}\r\n`
    }
    for (const [name, value] of trailers) body += `${name}:${value}\r\n`
    if (signedChunks && o.payload.endsWith('TRAILER')) {
      const all = trailers.map(([name, value]) => `${name}:${value}\n`).join('')
      const text = ['AWS4-HMAC-SHA256-TRAILER', seed.amzDate, seed.scope, previous, sha256(all)].join('\n')
      body += `x-amz-trailer-signature:${hmac(seed.signingKey, text)}\r\n`
    }
    return `${body}\r\n`
  }
  const { headers, seed } = signRequest({
    method: 'PUT',
    url: endpoint.url + target,
    headers: { 'x-amz-decoded-content-length': String(length), 'content-encoding': 'aws-chunked', ...o.headers },
    payload: o.payload,
    credentials: keys.alice,
    region: 'us-east-1',
    now: new Date(),
  })
  const body = (o.damage ?? ((text) => text))(encode(seed))
  const connection = await endpoint.connect()
  try {
    const all = { ...(headers as Record<string, string>), 'content-length': String(body.length) }
    await connection.send(rawHead(endpoint.url, 'PUT', target, all) + body).catch(() => {})
    return await connection.answer()
  } finally {
    connection.close()
  }
}

async function refused(o: Sent, status: number, code: string): Promise<void> {
  const before = await endpoint.state()
  const answer = await send(o)
  expect([answer.status, element(answer, 'Code')]).toEqual([status, code])
  expect(await endpoint.state()).toEqual(before)
}

const signed = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
const signedTrailer = `${signed}-TRAILER`
const unsignedTrailer = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
const trailer = { headers: { 'x-amz-trailer': 'x-amz-checksum-crc32' } }
const trailers: [string, string][] = [['x-amz-checksum-crc32', crc(data)]]

describe('good bodies', () => {
  test.each([
    [signed, {}],
    [signedTrailer, { ...trailer, trailers }],
    [unsignedTrailer, { ...trailer, trailers }],
    [unsignedTrailer, {}],
  ])('%s', async (payload, o) => {
    const answer = await send({ payload, ...o })
    expect(answer.text).toBe('')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-amz-checksum-crc32')).toBe('trailers' in o ? crc(data) : undefined)
    const got = await endpoint.signed('alice', 'GET', `/${bucket}/streamed`)
    expect(got.text).toBe(data)
    expect(got.headers.has('content-encoding')).toBe(false)
  })
})

describe('bad bodies leave no object', () => {
  test('signatures', async () => {
    const flip = (body: string): string => body.replace('the end', 'THE END')
    await refused({ payload: signed, damage: flip }, 403, 'SignatureDoesNotMatch')
    await refused({ payload: signedTrailer, ...trailer, trailers, damage: flip }, 403, 'SignatureDoesNotMatch')
    const swap = (body: string): string => body.replace(crc(data), crc('other'))
    await refused({ payload: signedTrailer, ...trailer, trailers, damage: swap }, 403, 'SignatureDoesNotMatch')
    const bad = {
      authorization: `AWS4-HMAC-SHA256 Credential=${keys.alice.accessKeyId}/20260101/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=${'0'.repeat(64)}`,
    }
    const answer = await endpoint.raw(
      'PUT',
      `/${bucket}/streamed`,
      { ...bad, 'x-amz-content-sha256': unsignedTrailer, 'content-length': '5' },
      '0\r\n\r\n',
    )
    expect(answer.status).toBe(403)
  })

  test('framing', async () => {
    await refused(
      { payload: signed, damage: (body) => body.replace(/0;chunk-signature=.*/s, '') },
      400,
      'IncompleteBody',
    )
    await refused(
      { payload: unsignedTrailer, damage: (body) => body.replace('the end\r\n', 'the end\r0') },
      400,
      'IncompleteBody',
    )
    await refused({ payload: unsignedTrailer, damage: (body) => `${'0'.repeat(1100)}${body}` }, 400, 'IncompleteBody')
    await refused(
      { payload: unsignedTrailer, headers: { 'x-amz-decoded-content-length': '10' } },
      400,
      'IncompleteBody',
    )
    await refused(
      { payload: unsignedTrailer, headers: { 'x-amz-decoded-content-length': '20000' } },
      400,
      'IncompleteBody',
    )
    await refused(
      { payload: unsignedTrailer, headers: { 'x-amz-decoded-content-length': '12x' } },
      411,
      'MissingContentLength',
    )
    await refused({ payload: unsignedTrailer, chunks: ['small', data] }, 400, 'InvalidChunkSizeError')
  })

  test('trailers', async () => {
    await refused({ payload: unsignedTrailer, trailers }, 400, 'MalformedTrailerError')
    await refused({ payload: unsignedTrailer, ...trailer }, 400, 'MalformedTrailerError')
    const renamed: [string, string][] = [['x-amz-checksum-sha1', crc(data)]]
    await refused({ payload: unsignedTrailer, ...trailer, trailers: renamed }, 400, 'MalformedTrailerError')
    const wrong: [string, string][] = [['x-amz-checksum-crc32', crc('other')]]
    await refused({ payload: unsignedTrailer, ...trailer, trailers: wrong }, 400, 'BadDigest')
    const two = { 'x-amz-trailer': 'x-amz-checksum-crc32', 'x-amz-checksum-crc32c': 'AAAAAA==' }
    await refused({ payload: unsignedTrailer, headers: two, trailers }, 400, 'InvalidRequest')
    await refused({ payload: unsignedTrailer, headers: { 'x-amz-trailer': 'x-amz-meta-a' } }, 400, 'InvalidRequest')
  })

  test('in a presigned URL, the credential in the query does not authenticate the body', async () => {
    const before = await endpoint.state()
    const target = endpoint
      .target('alice', 'PUT', bucket, 'presigned')
      .replace(/Signature=[0-9a-f]{64}/, `Signature=${'0'.repeat(64)}`)
    const answer = await endpoint.raw(
      'PUT',
      target,
      { 'x-amz-content-sha256': unsignedTrailer, 'content-length': '5' },
      '0\r\n\r\n',
    )
    expect(answer.status).toBe(403)
    expect(await endpoint.state()).toEqual(before)
  })
})

describe('the AWS SDK', () => {
  const make = (): S3Client => endpoint.client('alice')

  test('a stream of known length, with its default checksum in a trailer', async () => {
    const client = make()
    const answer = await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: 'sdk',
        Body: Readable.from([Buffer.from(data)]),
        ContentLength: data.length,
      }),
    )
    expect(answer.ChecksumCRC32).toBe(crc(data))
    expect((await endpoint.signed('alice', 'GET', `/${bucket}/sdk`)).text).toBe(data)
    client.destroy()
  })

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    '%s, of a buffer and of a part',
    async (algorithm) => {
      const client = make()
      const Key = `checked-${algorithm}`
      const put = await client.send(
        new PutObjectCommand({ Bucket: bucket, Key, Body: data, ChecksumAlgorithm: algorithm }),
      )
      expect(put[`Checksum${algorithm}`]).toBeTruthy()
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({ Bucket: bucket, Key, ChecksumAlgorithm: algorithm }),
      )
      const part = await client.send(
        new UploadPartCommand({
          Bucket: bucket,
          Key,
          UploadId,
          PartNumber: 1,
          Body: data,
          ChecksumAlgorithm: algorithm,
        }),
      )
      expect(part[`Checksum${algorithm}`]).toBe(put[`Checksum${algorithm}`])
      client.destroy()
    },
  )
})
