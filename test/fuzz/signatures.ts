/** Signed requests in which one thing was changed afterwards: by header and by query, against the real endpoint. */
import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { createKeyRing } from '../../src/s3/key-ring.ts'
import { hasMalformedEncoding } from '../../src/sigv4/encode.ts'
import { presign } from '../../src/sigv4/presign.ts'
import { signRequest, toRawHeaders } from '../../src/sigv4/sign-request.ts'
import type { RawRequest, VerifyOptions } from '../../src/sigv4/types.ts'
import { keys } from '../security/harness.ts'
import { meaning, mutation, unsignedHeaderOnly, type Mutation } from '../sigv4/mutations.ts'
import { fuzz } from './fuzz.ts'
import { wire, type FuzzHarness } from './fuzz-harness.ts'

type Call = {
  method: string
  key: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: string
}

const document = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
const calls: readonly Call[] = [
  { method: 'GET', key: 'k' },
  { method: 'GET', key: 'k', query: { 'response-content-type': 'text/html' } },
  { method: 'HEAD', key: 'k' },
  { method: 'PUT', key: 'k', body: 'other', headers: { 'content-type': 'text/plain', 'x-amz-meta-a': 'b' } },
  { method: 'PUT', key: 'new', body: 'other', headers: { 'if-none-match': '*' } },
  { method: 'PUT', key: 'k', query: { tagging: '' }, body: document },
  { method: 'DELETE', key: 'k' },
  { method: 'POST', key: 'many', query: { uploads: '' }, body: '' },
]

const credentials = keys.alice
const region = 'us-east-1'

function signed(fuzzed: FuzzHarness, call: Call, via: 'header' | 'query', now: Date): RawRequest {
  const { method, key, query = {}, body } = call
  const endpoint = fuzzed.at.objects
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const headers = { ...length, ...call.headers }
  const pathPrefix = ''
  if (via === 'query') {
    const bucket = 'alice-1'
    const expiresIn = 600
    const { url } = presign({
      method,
      endpoint,
      bucket,
      key,
      pathStyle: true,
      query,
      headers,
      credentials,
      region,
      expiresIn,
      now,
    })
    const { host } = new URL(endpoint)
    return { method, target: url.slice(endpoint.length), rawHeaders: toRawHeaders({ host, ...headers }), pathPrefix }
  }
  const search = new URLSearchParams(query).toString()
  const target = `/alice-1/${key}${search === '' ? '' : `?${search}`}`
  const payload = createHash('sha256')
    .update(body ?? '')
    .digest('hex')
  const request = signRequest({ method, url: endpoint + target, headers, payload, credentials, region, now })
  return { method, target, rawHeaders: toRawHeaders(request.headers), pathPrefix }
}

async function checkMutation(
  fuzzed: FuzzHarness,
  call: Call,
  via: 'header' | 'query',
  mutate: Mutation,
): Promise<void> {
  const now = new Date()
  const request = signed(fuzzed, call, via, now)
  const options: VerifyOptions = {
    region,
    service: 's3',
    keys: createKeyRing([{ ...credentials, owner: 'alice' }]),
    now,
  }
  const mutated = mutate(request)
  // Spaces around the target belong to the request line.
  const changed = { ...mutated, target: mutated.target.replace(/^ +| +$/g, '') }
  // A line's end would begin another header: that is the raw bytes' matter.
  const lines = Object.groupBy(pairs(changed.rawHeaders), ([name]) => name)
  const headers = Object.fromEntries(Object.entries(lines).map(([name, all]) => [name, all!.map(([, value]) => value)]))
  const bytes = wire(mutated.method, mutated.target, headers, call.body)
  const same = !hasMalformedEncoding(changed.target) && meaning(changed) === meaning(request)
  const open = same || unsignedHeaderOnly(request, changed, options)
  const answer = await fuzzed.probe('objects', { method: changed.method, bytes, partial: true })
  if (!open)
    assert.ok(answer === null || answer.status >= 400, `accepted as ${answer?.status}: ${JSON.stringify(changed)}`)
}

const pairs = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ''] as [string, string]] : []))

export const signatureFuzz = (['header', 'query'] as const).map((via) =>
  fuzz(
    `SigV4 by ${via}`,
    300,
    () => fc.record({ call: fc.constantFrom(...calls), mutate: mutation }),
    (fuzzed, { call, mutate }) => checkMutation(fuzzed, call, via, mutate),
  ),
)
