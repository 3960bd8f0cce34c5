/** The aws-chunked decoder: any split of the bytes, and every way to forge or break them (security cases 35 to 39). */
/* oxlint-disable vitest/expect-expect -- expectBroken asserts */
import { createHash } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AwsChunkedDecoder,
  parseDecodedLength,
  parseTrailerNames,
  type ChunkedDecoderOptions,
} from '../../src/sigv4/aws-chunked.ts'
import { streamingPayloads, type StreamingPayload } from '../../src/sigv4/payload.ts'
import { signingKey } from '../../src/sigv4/signing-key.ts'
import { SignatureError, type SignatureErrorCode, type Verified } from '../../src/sigv4/types.ts'
import { decode, encodeAwsChunked } from './aws-chunked-encoder.ts'
import { credentials, refusal } from './fixtures.ts'

const seed: Verified['seed'] = {
  signature: 'a'.repeat(64),
  signingKey: signingKey(credentials.secretAccessKey, { date: '20260304', region: 'us-east-1', service: 's3' }),
  scope: '20260304/us-east-1/s3/aws4_request',
  amzDate: '20260304T050607Z',
}
const [signed, signedTrailer, unsignedTrailer] = streamingPayloads
const crc = ['x-amz-checksum-crc32', 'NhCmhg=='] as const
const trailersOf = (payload: StreamingPayload) => (payload.endsWith('-TRAILER') ? [crc] : [])
const data = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 31) & 0xff))

const decoder = (
  payload: StreamingPayload,
  decodedLength: number,
  o: Partial<ChunkedDecoderOptions> = {},
): AwsChunkedDecoder =>
  new AwsChunkedDecoder({ payload, seed, decodedLength, trailerNames: trailersOf(payload).map(([name]) => name), ...o })

async function expectBroken(
  body: Buffer | string,
  code: SignatureErrorCode,
  using: AwsChunkedDecoder,
): Promise<SignatureError> {
  const error: unknown = await decode(using, [Buffer.from(body)]).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SignatureError)
  expect((error as SignatureError).code).toBe(code)
  return error as SignatureError
}

function* pieces(body: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0
  for (let i = 0; at < body.length; i++) {
    const size = sizes[i % sizes.length]!
    yield body.subarray(at, at + size)
    at += size
  }
}

describe.each(streamingPayloads)('%s', (payload) => {
  const trailers = trailersOf(payload)

  it('decodes under any split of its bytes', async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 20_000 })), {
      minLength: 1,
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 30_000 }),
        fc.constantFrom(8192, 10_000, 65_536),
        sizes,
        async (length, chunkSize, split) => {
          const bytes = data(length)
          const body = encodeAwsChunked(bytes, { payload, seed, chunkSize, trailers })
          const decoding = decoder(payload, length)
          expect((await decode(decoding, pieces(body, split))).equals(bytes)).toBe(true)
          expect([...decoding.trailers]).toEqual(trailers)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('refuses any truncation', async () => {
    const body = encodeAwsChunked(data(9000), { payload, seed, chunkSize: 8192, trailers })
    for (let end = 0; end < body.length; end += end > 8000 && end < 8400 ? 1 : end > body.length - 300 ? 1 : 500) {
      await expectBroken(body.subarray(0, end), 'IncompleteBody', decoder(payload, 9000))
    }
  })

  it('refuses bytes after its end', async () => {
    const body = encodeAwsChunked(data(10), { payload, seed, chunkSize: 8192, trailers })
    for (const extra of ['\r\n', 'x', '0\r\n\r\n']) {
      await expectBroken(Buffer.concat([body, Buffer.from(extra)]), 'IncompleteBody', decoder(payload, 10))
    }
  })

  it('refuses another number of bytes before it accepts them', async () => {
    const body = encodeAwsChunked(data(10_000), { payload, seed, chunkSize: 8192, trailers })
    await expectBroken(body, 'IncompleteBody', decoder(payload, 10_001))
    await expectBroken(body, 'IncompleteBody', decoder(payload, 9999))
    const huge = encodeAwsChunked(data(0), { payload, seed, chunkSize: 8192, trailers })
      .toString()
      .replace(/^0/, 'fffffffffffff')
    await expectBroken(huge, 'IncompleteBody', decoder(payload, 10))
  })

  it('refuses a small chunk that is not the last', async () => {
    const body = encodeAwsChunked(data(20_000), { payload, seed, chunkSize: 8191, trailers })
    const { details } = await expectBroken(body, 'InvalidChunkSizeError', decoder(payload, 20_000))
    expect(details).toEqual({ BadChunkSizeInBytes: '8191' })
  })

  it('refuses headers that are malformed or too long', async () => {
    const body = encodeAwsChunked(data(100), { payload, seed, chunkSize: 8192, trailers }).toString('latin1')
    const headers = ['', ' 64', '0x64', '64 ', '-1', '64;', '64;a=b', 'ffffffffffffff', `64;${'a'.repeat(2000)}`, 'xyz']
    for (const header of headers) {
      const broken = body.replace(/^64[^\r]*/, header)
      await expectBroken(Buffer.from(broken, 'latin1'), 'IncompleteBody', decoder(payload, 100))
    }
    const endless = Buffer.alloc(1025, '0')
    await expectBroken(endless, 'IncompleteBody', decoder(payload, 100))
  })

  it('refuses line ends other than CRLF', async () => {
    const body = encodeAwsChunked(data(100), { payload, seed, chunkSize: 8192, trailers })
    const headerEnd = body.indexOf('\r\n')
    const dataEnd = headerEnd + 2 + 100
    for (const at of [headerEnd, dataEnd, body.length - 2]) {
      const lfOnly = Buffer.concat([body.subarray(0, at), body.subarray(at + 1)])
      await expectBroken(lfOnly, 'IncompleteBody', decoder(payload, 100))
      const other = Buffer.from(body)
      other.write('xx', at)
      const error = await decode(decoder(payload, 100), [other]).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(SignatureError)
    }
  })
})

describe.each([signed, signedTrailer])('%s, signatures', (payload) => {
  const trailers = trailersOf(payload)
  const bytes = data(20_000)
  const body = encodeAwsChunked(bytes, { payload, seed, chunkSize: 8192, trailers })

  const sameForReaders = (text: string): string => text.toLowerCase().replace(/[^\S\n]+\n/g, '\n')

  it('refuses any changed byte', async () => {
    const byte = fc.record({ at: fc.nat({ max: body.length - 1 }), to: fc.nat({ max: 255 }) })
    await fc.assert(
      fc.asyncProperty(byte, async ({ at, to }) => {
        fc.pre(body[at] !== to)
        const changed = Buffer.from(body)
        changed[at] = to
        const text = changed.toString('latin1')
        // Hex and trailer names of another case, and spaces at the end of a line, are the same body.
        fc.pre(sameForReaders(text) !== sameForReaders(body.toString('latin1')))
        const error = await decode(decoder(payload, bytes.length), [changed]).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(SignatureError)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses changed data, a changed or missing signature, and chunks in another order', async () => {
    const changed = Buffer.from(body)
    changed[200] = changed[200]! ^ 1
    await expectBroken(changed, 'SignatureDoesNotMatch', decoder(payload, bytes.length))
    const text = body.toString('latin1')
    const variants = [
      text.replace(/signature=./, (match) => `${match.slice(0, -1)}${match.endsWith('0') ? '1' : '0'}`),
      text.replace(/;chunk-signature=[0-9a-f]{64}/, ''),
      text.replace(/;chunk-signature=[0-9a-f]{64}/, ';chunk-signature='),
    ]
    for (const variant of variants) {
      await expectBroken(Buffer.from(variant, 'latin1'), 'SignatureDoesNotMatch', decoder(payload, bytes.length))
    }
    const chunk = body.indexOf('\r\n') + 2 + 8192 + 2
    const reordered = Buffer.concat([
      body.subarray(chunk, chunk * 2),
      body.subarray(0, chunk),
      body.subarray(chunk * 2),
    ])
    await expectBroken(reordered, 'SignatureDoesNotMatch', decoder(payload, bytes.length))
  })

  it('refuses chunks that continue another request, day or key', async () => {
    const another: Partial<Verified['seed']>[] = [
      { signature: 'b'.repeat(64) },
      { amzDate: '20260304T050608Z' },
      { scope: '20260305/us-east-1/s3/aws4_request' },
      { signingKey: signingKey('another', { date: '20260304', region: 'us-east-1', service: 's3' }) },
    ]
    for (const difference of another) {
      const decoding = decoder(payload, bytes.length, { seed: { ...seed, ...difference } })
      const { details } = await expectBroken(body, 'SignatureDoesNotMatch', decoding)
      expect(Object.keys(details).toSorted()).toEqual(['SignatureProvided', 'StringToSign'])
    }
  })
})

describe('39 trailers', () => {
  const bytes = data(100)
  const encode = (payload: StreamingPayload, trailers: readonly (readonly [string, string])[]): Buffer =>
    encodeAwsChunked(bytes, { payload, seed, chunkSize: 8192, trailers })

  describe.each([signedTrailer, unsignedTrailer])('%s', (payload) => {
    it.each<[name: string, sent: [string, string][], declared: string[]]>([
      ['undeclared', [[...crc]], []],
      ['missing', [], [crc[0]]],
      ['renamed', [['x-amz-checksum-sha1', crc[1]]], [crc[0]]],
      ['twice', [[...crc], [...crc]], [crc[0]]],
      ['one too many', [[...crc], ['x-amz-meta-a', 'b']], [crc[0]]],
      ['without a name', [['', 'b']], [crc[0]]],
    ])('%s', async (_, sent, declared) => {
      await expectBroken(
        encode(payload, sent),
        'MalformedTrailerError',
        decoder(payload, 100, { trailerNames: declared }),
      )
    })

    it('too long', async () => {
      const code = await expectBroken(
        encode(payload, [[crc[0], 'a'.repeat(10_000)]]),
        'IncompleteBody',
        decoder(payload, 100),
      )
      expect(code).toBeDefined()
    })

    it('reads names without case, and values without the space around them', async () => {
      const decoding = decoder(payload, 100)
      const body = encode(payload, [crc]).toString('latin1').replace(`${crc[0]}:`, 'X-Amz-Checksum-CRC32: ')
      await decode(decoding, [Buffer.from(body, 'latin1')])
      expect([...decoding.trailers]).toEqual([crc])
    })

    it("accepts the line ends of MinIO's clients", async () => {
      const decoding = decoder(payload, 100)
      const ends = payload === signedTrailer ? '\n\r\n' : '\n'
      const body = encode(payload, [crc]).toString('latin1').replace(`${crc[1]}\r\n`, `${crc[1]}${ends}`)
      await decode(decoding, [Buffer.from(body, 'latin1')])
      expect([...decoding.trailers]).toEqual([crc])
    })
  })

  it('declared for a body without trailers', async () => {
    await expectBroken(encode(signed, []), 'MalformedTrailerError', decoder(signed, 100, { trailerNames: [crc[0]] }))
    await expectBroken(encode(signed, [crc]), 'MalformedTrailerError', decoder(signed, 100, { trailerNames: [crc[0]] }))
  })

  it('changed, or with a changed or missing signature', async () => {
    const text = encode(signedTrailer, [crc]).toString('latin1')
    const variants = [
      text.replace(crc[1], 'AAAAAA=='),
      text.replace(/(trailer-signature:).{64}/, `$1${'0'.repeat(64)}`),
      text.replace(/x-amz-trailer-signature:.{64}\r\n/, ''),
    ]
    const codes = await Promise.all(
      variants.map((variant) =>
        decode(decoder(signedTrailer, 100), [Buffer.from(variant, 'latin1')]).catch(
          (error: SignatureError) => error.code,
        ),
      ),
    )
    expect(codes).toEqual(['SignatureDoesNotMatch', 'SignatureDoesNotMatch', 'IncompleteBody'])
    const after = text.replace(/(x-amz-trailer-signature:.{64}\r\n)/, '$1x-amz-checksum-sha1:a\r\n')
    const both = decoder(signedTrailer, 100, { trailerNames: [crc[0], 'x-amz-checksum-sha1'] })
    await expectBroken(Buffer.from(after, 'latin1'), 'MalformedTrailerError', both)
  })

  it('a signature on trailers that are not signed', async () => {
    const text = encode(unsignedTrailer, [crc])
      .toString('latin1')
      .replace(/\r\n$/, `x-amz-trailer-signature:${'0'.repeat(64)}\r\n\r\n`)
    await expectBroken(Buffer.from(text, 'latin1'), 'MalformedTrailerError', decoder(unsignedTrailer, 100))
  })
})

describe('request headers', () => {
  it('37 x-amz-decoded-content-length', () => {
    expect(parseDecodedLength('0')).toBe(0)
    expect(parseDecodedLength('66560')).toBe(66_560)
    for (const bad of [undefined, '', '12x', '-1', '0x10', '1e3', ' 1', '1.5', '9'.repeat(16)]) {
      expect(refusal(() => parseDecodedLength(bad)).code).toBe('MissingContentLength')
    }
  })

  it('39 x-amz-trailer', () => {
    expect(parseTrailerNames(undefined)).toEqual([])
    expect(parseTrailerNames('X-Amz-Checksum-CRC32')).toEqual([crc[0]])
    for (const bad of [
      'x-amz-checksum-crc32,x-amz-checksum-sha1',
      'x-amz-checksum-xxhash3',
      'x-amz-meta-a',
      'a,',
      ',',
    ]) {
      expect(refusal(() => parseTrailerNames(bad)).code).toBe('InvalidRequest')
    }
  })
})

it('decodes in constant memory, byte for byte, a body of one long chunk', async () => {
  const length = 64 * 2 ** 20
  const piece = Buffer.alloc(2 ** 20, 7)
  const hash = createHash('sha256')
  let [sent, received, mostHeld] = [0, 0, 0]
  const body = function* (): Generator<Buffer> {
    yield Buffer.from(`${length.toString(16)}\r\n`)
    for (; sent < length; sent += piece.length) {
      mostHeld = Math.max(mostHeld, sent - received)
      yield piece
    }
    yield Buffer.from('\r\n0\r\n\r\n')
  }
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      hash.update(chunk)
      received += chunk.length
      done()
    },
  })
  await pipeline(Readable.from(body()), decoder(unsignedTrailer, length, { trailerNames: [] }), sink)
  const expected = createHash('sha256')
  for (let i = 0; i < length; i += piece.length) expected.update(piece)
  expect(hash.digest('hex')).toBe(expected.digest('hex'))
  expect(mostHeld).toBeLessThan(4 * piece.length)
})
