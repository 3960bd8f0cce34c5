/** Bodies in aws-chunked encoding whose framing was damaged: refused, or the very bytes that were meant. */
import { strict as assert } from 'node:assert'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { streamingPayloads, type StreamingPayload } from '../../src/sigv4/payload.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { keys } from '../security/harness.ts'
import { encodeAwsChunked } from '../sigv4/aws-chunked-encoder.ts'
import { byteSplice, fuzz, spliced, type ByteSplice } from './fuzz.ts'
import { wire, type FuzzHarness } from './fuzz-harness.ts'

type Input = {
  payload: StreamingPayload
  data: Buffer
  chunkSize: number
  changes: ByteSplice[]
  cuts: number[]
  announced: number
}

const inputs: fc.Arbitrary<Input> = fc.record({
  payload: fc.constantFrom(...streamingPayloads),
  data: fc.nat({ max: 20_000 }).map((length) => Buffer.from(Array.from({ length }, (_, i) => (i * 31) & 0xff))),
  chunkSize: fc.constantFrom(8192, 65_536),
  changes: fc.array(
    byteSplice(['\r\n', '\n', '0\r\n', '0\r\n\r\n', ';', ';chunk-signature=', 'f', 'x-amz-checksum-crc32:', ' ']),
    { maxLength: 2 },
  ),
  cuts: fc.array(fc.nat({ max: 25_000 }), { maxLength: 4 }),
  // The announced length may be wrong too.
  announced: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: -2, max: 2 })),
})

async function check(
  fuzzed: FuzzHarness,
  { payload, data, chunkSize, changes, cuts, announced }: Input,
): Promise<void> {
  const digest = Buffer.alloc(4)
  digest.writeUInt32BE(crc32(data))
  const trailing = payload.endsWith('-TRAILER')
  const target = '/alice-1/chunked'
  const { headers, seed } = signRequest({
    method: 'PUT',
    url: fuzzed.at.objects + target,
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(Math.max(0, data.length + announced)),
      ...(trailing ? { 'x-amz-trailer': 'x-amz-checksum-crc32' } : {}),
    },
    payload,
    credentials: keys.alice,
    region: 'us-east-1',
    now: new Date(),
  })
  const trailers = trailing ? ([['x-amz-checksum-crc32', digest.toString('base64')]] as const) : []
  const whole = encodeAwsChunked(data, { payload, seed, chunkSize, trailers })
  const body = spliced(whole, changes)
  const bytes = wire('PUT', target, { ...headers, 'content-length': String(body.length) }, body)
  const answer = await fuzzed.probe('objects', { method: 'PUT', bytes, cuts })
  if (body.equals(whole) && announced === 0) assert.equal(answer?.status, 200, answer?.text)
  if (answer?.status !== 200) return
  const stored = await fuzzed.harness.signed('alice', 'GET', target)
  assert.ok(stored.body.equals(data), 'other bytes were stored than were signed')
}

export const chunkFuzz = [fuzz('aws-chunked framing', 250, () => inputs, check)]
