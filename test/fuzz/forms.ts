/** POST policies of every kind, rightly signed or not, and forms that were damaged on their way. */
import { strict as assert } from 'node:assert'
import * as fc from 'fast-check'
import { formatAmzDate } from '../../src/sigv4/amz-date.ts'
import { signingKey } from '../../src/sigv4/signing-key.ts'
import { formatScope, hmacHex } from '../../src/sigv4/string-to-sign.ts'
import { keys } from '../security/harness.ts'
import { byteSplice, fuzz, spliced, type ByteSplice } from './fuzz.ts'
import { wire, type FuzzHarness } from './fuzz-harness.ts'

type Field = [name: string, value: string]
type Input = {
  conditions: unknown[]
  expiration: unknown
  policyChanges: ByteSplice[]
  resign: boolean
  fields: Field[]
  content: string
  changes: ByteSplice[]
  cuts: number[]
}

const names = ['key', 'bucket', 'acl', 'Content-Type', 'success_action_status', 'success_action_redirect', 'tagging']
const metaNames = ['x-amz-meta-a', 'x-amz-meta-é', 'x-amz-checksum-crc32', 'x-ignore-a', 'x-amz-storage-class', 'odd']
const name = fc.constantFrom(...names, ...metaNames, '__proto__', 'constructor', '')
const value = fc.oneof(
  fc.constantFrom('form.txt', 'form/${filename}', '../x', '', '201', 'text/plain', 'public-read', 'alice-1', 'a\0b'),
  fc.string({ maxLength: 20, unit: 'binary' }),
)
const number = fc.oneof(fc.integer({ min: -1, max: 100 }), fc.constantFrom<unknown>('10', 1e20, 1.5, null))
const condition: fc.Arbitrary<unknown> = fc.oneof(
  fc.tuple(name, value).map(([key, is]) => ({ [key]: is })),
  fc
    .tuple(fc.constantFrom('eq', 'starts-with', 'EQ', 'matches'), name, value)
    .map(([op, key, is]) => [op, `$${key}`, is]),
  fc.tuple(number, number).map(([min, max]) => ['content-length-range', min, max]),
  fc.jsonValue({ maxDepth: 2 }),
)
/** Lets through what the plain form sends, so that a form's other parts are reached. */
const open = [['starts-with', '$key', ''], { bucket: 'alice-1' }]
const few = <T>(arbitrary: fc.Arbitrary<T>, most: number): fc.Arbitrary<T[]> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<T[]>([]) }, fc.array(arbitrary, { maxLength: most }))

const inputs: fc.Arbitrary<Input> = fc.record({
  conditions: few(condition, 4),
  expiration: fc.oneof(
    { weight: 6, arbitrary: fc.constant<unknown>('2999-01-01T00:00:00Z') },
    fc.constantFrom<unknown>('2000-01-01T00:00:00Z', 'tomorrow', 0, null, {}),
  ),
  policyChanges: few(byteSplice(['"', '{', '}', '[', ']', ',', ':', '\\u0000', '\\ud800', '1e999']), 2),
  resign: fc.boolean(),
  fields: few(fc.tuple(name, value), 3),
  content: fc.string({ maxLength: 50 }),
  changes: few(byteSplice(['\r\n', '\n', '--', '--b', '\r\n--b', '\r\n--b--', '"', '; name="x"', ':']), 2),
  cuts: fc.array(fc.nat({ max: 2500 }), { maxLength: 3 }),
})

function formOf(o: Input): Buffer {
  const amzDate = formatAmzDate(new Date())
  const scope = { date: amzDate.slice(0, 8), region: 'us-east-1', service: 's3' } as const
  const own: Field[] = [
    ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    ['x-amz-credential', `${keys.alice.accessKeyId}/${formatScope(scope)}`],
    ['x-amz-date', amzDate],
  ]
  const conditions = [...open, ...own.map(([key, is]) => ({ [key]: is })), ...o.conditions]
  const whole = Buffer.from(JSON.stringify({ expiration: o.expiration, conditions }))
  const text = spliced(whole, o.policyChanges)
  const policy = text.toString('base64')
  const signature = hmacHex(signingKey(keys.alice.secretAccessKey, scope), o.resign ? policy : whole.toString('base64'))
  const fields: Field[] = [['key', 'form.txt'], ...own, ['policy', policy], ['x-amz-signature', signature], ...o.fields]
  const parts = fields.map(([field, is]) => `--b\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${is}\r\n`)
  const file = `--b\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\n${o.content}\r\n--b--\r\n`
  return Buffer.from([...parts, file].join(''))
}

async function check(fuzzed: FuzzHarness, o: Input): Promise<void> {
  const body = spliced(formOf(o), o.changes)
  const headers = {
    host: new URL(fuzzed.at.objects).host,
    'content-type': 'multipart/form-data; boundary=b',
    'content-length': String(body.length),
  }
  const bytes = wire('POST', '/alice-1', headers, body)
  const answer = await fuzzed.probe('objects', { method: 'POST', bytes, cuts: o.cuts })
  const policyStands = o.policyChanges.length === 0 || o.resign
  const formStands = o.changes.length === 0
  if (formStands && !policyStands && !answer?.text.includes('SignatureDoesNotMatch')) {
    // A change that left the policy as it was is none.
    assert.ok(answer !== null && (answer.status >= 400 || isUnchanged(o)), 'a policy nobody signed was taken')
  }
  const plain = formStands && o.policyChanges.length === 0 && o.conditions.length === 0 && o.fields.length === 0
  if (plain && o.expiration === '2999-01-01T00:00:00Z') assert.equal(answer?.status, 204, answer?.text)
}

const isUnchanged = (o: Input): boolean => formOf({ ...o, policyChanges: [] }).equals(formOf(o))

export const formFuzz = [fuzz('POST policies and forms', 300, () => inputs, check)]
