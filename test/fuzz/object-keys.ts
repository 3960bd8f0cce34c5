/** Any key, any metadata, any header: refused in a documented way, or stored and read back as it was sent. */
import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { encodeUri } from './encode-uri.ts'
import { fuzz } from './fuzz.ts'
import { wire, type FuzzHarness } from './fuzz-harness.ts'
import { keys } from '../security/harness.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'

const segment = fc.oneof(
  fc.string({ maxLength: 12, unit: 'binary' }),
  fc.string({ maxLength: 12, unit: 'grapheme' }),
  fc.constantFrom('.', '..', '...', 'a b', 'a+b', '%2F', '%00', 'CON', 'a\\b', '~', '*', '_%', "'", 'é', 'e\u0301'),
  fc.nat({ max: 1100 }).map((length) => 'k'.repeat(length)),
)
const key = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'))
/** What a header line can carry: latin1 without controls. */
const headerText = fc.string({
  maxLength: 30,
  unit: fc.integer({ min: 0x20, max: 0xfe }).map((n) => String.fromCharCode(n === 0x7f ? 0xff : n)),
})
const header = fc.oneof(
  fc.tuple(fc.stringMatching(/^x-amz-meta-[!#$%&'*+.^_`|~0-9a-z-]{1,12}$/), headerText),
  fc.tuple(
    fc.constantFrom(
      'content-type',
      'cache-control',
      'content-disposition',
      'content-language',
      'expires',
      'x-amz-tagging',
    ),
    headerText,
  ),
  fc.tuple(
    fc.constantFrom(
      'x-amz-acl',
      'x-amz-storage-class',
      'content-md5',
      'x-amz-checksum-crc32',
      'if-match',
      'if-none-match',
    ),
    fc.oneof(headerText, fc.constantFrom('private', 'STANDARD', '*', 'AAAAAA==', '"x"')),
  ),
)

type Input = { key: string; headers: [string, string][]; range: string }

const inputs: fc.Arbitrary<Input> = fc.record({
  key,
  headers: fc.array(header, { maxLength: 3 }),
  range: fc.oneof(fc.constantFrom('bytes=0-1', 'bytes=-1', 'bytes=5-', 'bytes=9-1', 'bytes=0-0,2-2'), headerText),
})

let tries = 0

async function check(fuzzed: FuzzHarness, { key: name, headers, range }: Input): Promise<void> {
  fc.pre(name !== '')
  // A prefix of its own: what a failed try left behind is not this one's.
  const prefix = `fuzz-${tries++}/`
  const target = `/alice-1/${prefix}${encodeUri(name)}`
  const body = 'content'
  const call = (method: string, more: Record<string, string> = {}) => {
    const sent = method === 'PUT' ? { ...more, 'content-length': String(body.length) } : more
    const payload = createHash('sha256')
      .update(method === 'PUT' ? body : '')
      .digest('hex')
    const url = fuzzed.at.objects + target
    const { headers: all } = signRequest({
      method,
      url,
      headers: sent,
      payload,
      credentials: keys.alice,
      region: 'us-east-1',
      now: new Date(),
    })
    const bytes = wire(method, target, all, method === 'PUT' ? body : '')
    return fuzzed.probe('objects', { method, bytes })
  }
  const put = await call('PUT', Object.fromEntries(headers))
  assert.notEqual(put, null)
  if (put!.status !== 200) return
  const got = await call('GET')
  assert.deepEqual([got?.status, got?.text], [200, body])
  for (const [name_, value] of Object.entries(Object.fromEntries(headers))) {
    if (name_.startsWith('x-amz-meta-')) assert.equal(got!.headers.get(name_), squeezed(value))
  }
  const part = await call('GET', { range })
  assert.ok([200, 206, 416].includes(part?.status ?? 0), `a range was answered ${part?.status}: ${part?.text}`)
  assert.equal((await call('HEAD'))?.status, 200)
  const listed = await fuzzed.harness.signed(
    'alice',
    'GET',
    `/alice-1?encoding-type=url&list-type=2&prefix=${encodeURIComponent(prefix)}`,
  )
  assert.ok(listed.text.includes('<KeyCount>1</KeyCount>'), listed.text)
  assert.equal((await call('DELETE'))?.status, 204)
  assert.equal((await call('GET'))?.status, 404)
}

const squeezed = (value: string): string => value.replace(/^[ \t]+|[ \t]+$/g, '')

export const keyFuzz = [fuzz('keys and headers', 120, () => inputs, check)]
