/** Forms: created, verified, and every way to exceed a policy. Titles start with the number of their security case. */
/* oxlint-disable vitest/expect-expect -- refused asserts */
import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPostForm, type PostFormOptions } from '../../src/sigv4/post-form.ts'
import {
  checkContentLength,
  checkPolicyField,
  verifyPostPolicy,
  type VerifiedPolicy,
} from '../../src/sigv4/post-policy.ts'
import { signingKey } from '../../src/sigv4/signing-key.ts'
import { parseStrictJson } from '../../src/sigv4/strict-json.ts'
import type { SignatureError, SignatureErrorCode } from '../../src/sigv4/types.ts'
import { credentials, now, options, refusal, temporary } from './fixtures.ts'

const base: PostFormOptions = {
  endpoint: 'http://127.0.0.1:4001',
  bucket: 'postern',
  key: 'uploads/a.png',
  pathStyle: true,
  fields: { 'Content-Type': 'image/png' },
  contentLengthRange: { min: 1, max: 1024 },
  credentials,
  region: 'us-east-1',
  expiresIn: 600,
  now,
}

type Fields = Record<string, string>
const verify = (fields: Fields | Map<string, string>, o: { now?: Date; bucket?: string } = {}): VerifiedPolicy =>
  verifyPostPolicy(fields instanceof Map ? fields : new Map(Object.entries(fields)), {
    region: 'us-east-1',
    keys: options.keys,
    now,
    bucket: 'postern',
    ...o,
  })
const refused = (
  fields: Fields | Map<string, string>,
  code: SignatureErrorCode,
  o: { now?: Date; bucket?: string } = {},
): SignatureError => {
  const error = refusal(() => verify(fields, o))
  expect(error.code).toBe(code)
  return error
}

const authFields: Fields = {
  'x-amz-algorithm': 'AWS4-HMAC-SHA256',
  'x-amz-credential': `${credentials.accessKeyId}/20260304/us-east-1/s3/aws4_request`,
  'x-amz-date': '20260304T050607Z',
}
const authConditions = Object.entries(authFields).map(([name, value]) => ({ [name]: value }))
const scope = { date: '20260304', region: 'us-east-1', service: 's3' } as const

/** A form over any policy text, rightly signed. */
const signText = (policy: string | Buffer, fields: Fields = {}): Fields =>
  signBase64(Buffer.from(policy).toString('base64'), fields)
const signBase64 = (policy: string, fields: Fields = {}): Fields => ({
  key: 'uploads/a.png',
  ...fields,
  ...authFields,
  policy,
  'x-amz-signature': createHmac('sha256', signingKey(credentials.secretAccessKey, scope)).update(policy).digest('hex'),
})
const expiration = '2026-03-04T06:00:00.000Z'
/** A form whose policy has these conditions beside those that every form needs. */
const withConditions = (conditions: unknown[], fields: Fields = {}): Fields =>
  signText(JSON.stringify({ expiration, conditions: [...conditions, ...authConditions] }), fields)
const keyAndBucket = [{ bucket: 'postern' }, { key: 'uploads/a.png' }]

describe('a form', () => {
  it('verifies, and returns all signed constraints', () => {
    const form = createPostForm(base)
    expect(form.url).toBe('http://127.0.0.1:4001/postern')
    expect(Object.keys(form.fields)).toEqual([
      'key',
      'Content-Type',
      'x-amz-algorithm',
      'x-amz-credential',
      'x-amz-date',
      'policy',
      'x-amz-signature',
    ])
    expect(verify(form.fields)).toMatchObject({
      accessKeyId: credentials.accessKeyId,
      owner: `owner of ${credentials.accessKeyId}`,
      expiresAt: form.expiresAt,
      contentLengthRange: { min: 1, max: 1024 },
    })
  })

  it('carries a session token, any fields, and a prefix to be completed', () => {
    const form = createPostForm({
      ...base,
      key: 'uploads/${filename}',
      credentials: temporary,
      fields: { 'x-amz-meta-a': 'ü', acl: 'private', success_action_status: '201' },
      conditions: [['starts-with', '$Content-Type', 'image/']],
      pathStyle: false,
      endpoint: 'https://s3.example.com',
    })
    expect(form.url).toBe('https://postern.s3.example.com/')
    const { conditions } = verify({ ...form.fields, 'Content-Type': 'image/png' })
    expect(() => checkPolicyField(conditions, 'key', 'uploads/photo.png')).not.toThrow()
    expect(refusal(() => checkPolicyField(conditions, 'key', 'other/photo.png')).code).toBe('AccessDenied')
    expect(refusal(() => checkPolicyField(conditions, 'KEY', 'other/photo.png')).code).toBe('AccessDenied')
  })

  it('of the shape that @aws-sdk/s3-presigned-post makes', () => {
    const fields = {
      bucket: 'postern',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': authFields['x-amz-credential']!,
      'X-Amz-Date': authFields['x-amz-date']!,
    }
    const conditions = [
      ['starts-with', '$Content-Type', 'image/'],
      ...Object.entries(fields).map(([name, value]) => ({ [name]: value })),
      { key: 'uploads/a.png' },
    ]
    const { policy, 'x-amz-signature': signature } = signText(
      JSON.stringify({ expiration: '2026-03-04T06:00:00Z', conditions }),
    )
    const form = {
      ...fields,
      key: 'uploads/a.png',
      Policy: policy!,
      'X-Amz-Signature': signature!,
      'Content-Type': 'image/png',
    }
    expect(verify(form).contentLengthRange).toBeUndefined()
  })

  it('reads names and operators without case', () => {
    const conditions = [{ bUcKeT: 'postern' }, ['StArTs-WiTh', '$KeY', 'uploads/'], ['EQ', '$AcL', 'private']]
    expect(verify(withConditions(conditions, { acl: 'private' }))).toBeDefined()
  })

  it('takes fields that are exempt', () => {
    const fields = { 'x-ignore-me': 'a', file: 'b' }
    expect(verify(withConditions(keyAndBucket, fields))).toBeDefined()
  })

  it.each<[why: string, o: Partial<PostFormOptions>]>([
    ['an empty key', { key: '' }],
    ['a key that clients collapse', { key: '../a' }],
    ['no time', { expiresIn: 0 }],
    ['more than seven days', { expiresIn: 604_801 }],
    ['a field of its own', { fields: { Policy: 'x' } }],
    ['a range without numbers', { contentLengthRange: { min: Number.NaN, max: 1 } }],
    ['a range upside down', { contentLengthRange: { min: 2, max: 1 } }],
  ])('is not made of %s', (_, o) => {
    expect(() => createPostForm({ ...base, ...o })).toThrow(/./)
  })
})

describe('signature fields', () => {
  const { fields } = createPostForm(base)
  const without = (name: string): Fields => Object.fromEntries(Object.entries(fields).filter(([n]) => n !== name))

  it.each(['policy', 'x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-signature'])(
    '43 %s missing or empty',
    (name) => {
      expect(refused(without(name), 'InvalidArgument').message).toMatch(/^Bucket POST must contain a field named '/)
      refused({ ...fields, [name]: '' }, 'InvalidArgument')
    },
  )

  it('43 none', () => {
    refused({ key: 'a' }, 'AccessDenied')
  })

  it.each<[name: string, changed: Fields, code: SignatureErrorCode]>([
    ['44 signature', { 'x-amz-signature': 'a'.repeat(64) }, 'SignatureDoesNotMatch'],
    ['44 a short signature', { 'x-amz-signature': 'a' }, 'SignatureDoesNotMatch'],
    [
      '44 a policy of another form',
      { policy: createPostForm({ ...base, key: 'other' }).fields['policy']! },
      'SignatureDoesNotMatch',
    ],
    ['algorithm', { 'x-amz-algorithm': 'AWS4-SHA256' }, 'AuthorizationQueryParametersError'],
    ['credential', { 'x-amz-credential': 'a/b' }, 'AuthorizationQueryParametersError'],
    [
      'region',
      { 'x-amz-credential': `${credentials.accessKeyId}/20260304/eu-west-1/s3/aws4_request` },
      'AuthorizationQueryParametersError',
    ],
    ['date', { 'x-amz-date': '20260230T000000Z' }, 'AuthorizationQueryParametersError'],
    ['day', { 'x-amz-date': '20260305T000000Z' }, 'AuthorizationQueryParametersError'],
    ['an unknown key', { 'x-amz-credential': 'NOBODY/20260304/us-east-1/s3/aws4_request' }, 'InvalidAccessKeyId'],
    ['a token never issued', { 'x-amz-security-token': 'made up' }, 'InvalidToken'],
    ['fields of version 2 besides', { AWSAccessKeyId: 'a', signature: 'b' }, 'InvalidArgument'],
  ])('%s', (_, changed, code) => {
    refused({ ...fields, ...changed }, code)
  })

  it('shows no computed signature', () => {
    const { details } = refused({ ...fields, 'x-amz-signature': 'a'.repeat(64) }, 'SignatureDoesNotMatch')
    expect(JSON.stringify(details)).not.toContain(fields['x-amz-signature'])
  })

  it('51 a field twice', () => {
    refused({ ...fields, KEY: 'uploads/b.png' }, 'InvalidArgument')
  })
})

describe('44 a policy document', () => {
  const good = JSON.stringify({ expiration, conditions: [...keyAndBucket, ...authConditions] })
  it.each<[name: string, policy: string | Buffer]>([
    ['no JSON', 'policy'],
    ['a comma too many', good.replace(']}', ',]}')],
    ['text after it', `${good}x`],
    ['a comment', `/**/${good}`],
    ['no UTF-8', Buffer.from([...Buffer.from(good.slice(0, -1)), 0xc3, 0x7d])],
    ['a byte order mark', `\ufeff${good}`],
    ['a list', '[]'],
    ['null', 'null'],
    ['an extra key', good.replace('{', '{"extra":1,')],
    ['a key twice', good.replace('{', '{"expiration":"2030-01-01T00:00:00Z",')],
    ['a key twice, once escaped', good.replace('{', '{"\\u0065xpiration":"2030-01-01T00:00:00Z",')],
    ['conditions twice', good.replace('{', '{"conditions":[],')],
    ['__proto__', good.replace('{', '{"__proto__":{},')],
    ['keys of another case', good.replace('expiration', 'EXPIRATION')],
    ['no expiration', good.replace(/"expiration":"[^"]*",/, '')],
    ['no conditions', `{"expiration":"${expiration}"}`],
    ['conditions that are no list', `{"expiration":"${expiration}","conditions":{}}`],
    ...[
      '',
      'tomorrow',
      '2026-03-04',
      '2026-03-04T06:00:00',
      '2026-03-04T06:00:00+00:00',
      '2026-02-30T06:00:00Z',
      '2026-03-04T24:00:00Z',
    ].map((date): [string, string] => [`expiration "${date}"`, good.replace(expiration, date)]),
    ['expiration of a number', good.replace(`"${expiration}"`, '1893456000')],
    ...[
      '{}',
      '{"a":"b","c":"d"}',
      '{"a":1}',
      '{"a":null}',
      '{"a":"b","a":"c"}',
      '"eq"',
      '[]',
      '["eq"]',
      '["eq","$a"]',
      '["eq","$a","b","c"]',
      '["eq","$a",1]',
      '["eq",1,"b"]',
      '["ends-with","$a","b"]',
      '["not","$a","b"]',
      '[["eq","$a","b"]]',
      '["content-length-range",1]',
      '["content-length-range",-1,10]',
      '["content-length-range",0,1.5]',
      '["content-length-range",0,1e400]',
      '["content-length-range",0,10,20]',
      '["content-length-range",null,10]',
    ].map((condition): [string, string] => [
      `condition ${condition}`,
      good.replace('"conditions":[', `"conditions":[${condition},`),
    ]),
    ['ten thousand levels', good.replace('"conditions":[', `"conditions":[${'['.repeat(1e4)}${']'.repeat(1e4)},`)],
  ])('%s', (_, policy) => {
    refused(signText(policy), 'InvalidPolicyDocument')
  })

  const base64 = Buffer.from(good).toString('base64')
  const padded = Buffer.from(good.padEnd(good.length + 3 - (good.length % 3) + 1)).toString('base64')
  it.each([
    ['a line break', `${base64.slice(0, 20)}\n${base64.slice(20)}`],
    ['no padding', padded.replace(/=+$/, '')],
    ['the alphabet of URLs', Buffer.from(good.replace('{', '{"\u00ff\u00fe\u00fb?>":1,')).toString('base64url')],
    ['no base64', '!!!!'],
    ['far too much', Buffer.from(good.padEnd(100_000)).toString('base64')],
  ])('base64 with %s', (_, policy) => {
    refused(signBase64(policy), 'InvalidPolicyDocument')
  })
})

describe('45 expiry', () => {
  const { fields, expiresAt } = createPostForm(base)
  it('to the moment', () => {
    expect(verify(fields, { now: new Date(expiresAt.getTime() - 1) })).toBeDefined()
    expect(refused(fields, 'AccessDenied', { now: expiresAt }).message).toBe(
      'Invalid according to Policy: Policy expired.',
    )
  })
})

describe('46, 50 each kind of condition is enforced', () => {
  const failed = /^Invalid according to Policy: Policy Condition failed: /
  it.each<[name: string, conditions: unknown[], fields?: Fields]>([
    ['another key', [{ bucket: 'postern' }, { key: 'uploads/b.png' }]],
    ['another key, eq', [{ bucket: 'postern' }, ['eq', '$key', 'uploads/b.png']]],
    ['a key of another case', [{ bucket: 'postern' }, { key: 'uploads/A.png' }]],
    ['another prefix', [{ bucket: 'postern' }, ['starts-with', '$key', 'user/']]],
    ['a prefix of another case', [{ bucket: 'postern' }, ['starts-with', '$key', 'Uploads/']]],
    ['a prefix longer than the value', [{ bucket: 'postern' }, ['starts-with', '$key', 'uploads/a.png.exe']]],
    ['another bucket', [{ bucket: 'another' }, { key: 'uploads/a.png' }]],
    [
      'a bucket field that is not where it was posted',
      [{ bucket: 'another' }, { key: 'uploads/a.png' }],
      { bucket: 'another' },
    ],
    ['a bucket field that the policy does not name', keyAndBucket, { bucket: 'another' }],
    ['a field that is absent', [...keyAndBucket, ['starts-with', '$x-amz-meta-a', 'b']]],
    ['a field that is absent, any value', [...keyAndBucket, ['starts-with', '$x-amz-meta-a', '']]],
    ['a field that is absent, an empty value', [...keyAndBucket, { acl: '' }]],
    ['a missing $', [...keyAndBucket, ['eq', 'acl', 'private']], { acl: 'private' }],
    ['a missing $, starts-with anything', [...keyAndBucket, ['starts-with', 'acl', '']], { acl: 'private' }],
    ['one of two conditions on a field', [...keyAndBucket, ['starts-with', '$key', 'user/']]],
    ['one of two in the other order', [['starts-with', '$key', 'user/'], ...keyAndBucket]],
    [
      'a list of types, one of which differs',
      [...keyAndBucket, ['starts-with', '$Content-Type', 'image/']],
      { 'Content-Type': 'image/png, text/html' },
    ],
    ['a policy for another key id', [...keyAndBucket, { 'x-amz-credential': 'other' }]],
    ['49 a range of text', [...keyAndBucket, ['content-length-range', 'test', 10]]],
  ])('%s', (_, conditions, fields) => {
    expect(refused(withConditions(conditions, fields), 'AccessDenied').message).toMatch(failed)
  })

  it('quotes the condition', () => {
    const form = withConditions([{ bucket: 'postern' }, { key: 'uploads/b.png' }])
    expect(refused(form, 'AccessDenied').message).toBe(
      'Invalid according to Policy: Policy Condition failed: ["eq","$key","uploads/b.png"]',
    )
  })

  it('a list of types, all of which begin right', () => {
    const conditions = [...keyAndBucket, ['starts-with', '$Content-Type', 'image/']]
    expect(verify(withConditions(conditions, { 'Content-Type': 'image/png,image/gif' }))).toBeDefined()
  })

  it('48 every range counts', () => {
    const ranges = [
      ['content-length-range', 0, 100],
      ['content-length-range', '10', '1000'],
    ]
    const { contentLengthRange } = verify(withConditions([...keyAndBucket, ...ranges]))
    expect(contentLengthRange).toEqual({ min: 10, max: 100 })
    for (const size of [10, 100]) expect(() => checkContentLength(contentLengthRange!, size)).not.toThrow()
    const large = refusal(() => checkContentLength(contentLengthRange!, 101))
    expect(large).toMatchObject({ code: 'EntityTooLarge', details: { ProposedSize: '101', MaxSizeAllowed: '100' } })
    expect(refusal(() => checkContentLength(contentLengthRange!, 9)).code).toBe('EntityTooSmall')
  })
})

describe('47 fields that no condition names', () => {
  it.each(['acl', 'x-amz-meta-a', 'Content-Type', 'success_action_redirect', 'x-amz-tagging', 'x-ignored', 'policy2'])(
    '%s',
    (name) => {
      const { message } = refused(withConditions(keyAndBucket, { [name]: 'a' }), 'AccessDenied')
      expect(message).toBe(`Invalid according to Policy: Extra input fields: ${name.toLowerCase()}`)
    },
  )

  it.each(Object.keys(authFields))('%s', (name) => {
    const conditions = [...keyAndBucket, ...authConditions.filter((condition) => !(name in condition))]
    refused(signText(JSON.stringify({ expiration, conditions })), 'AccessDenied')
  })

  it('key', () => {
    refused(withConditions([{ bucket: 'postern' }]), 'AccessDenied')
  })
})

describe('strict JSON', () => {
  const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: false })
  const plain = (value: unknown): unknown =>
    value instanceof Map
      ? Object.fromEntries([...value].map(([k, v]) => [k, plain(v)]))
      : Array.isArray(value)
        ? value.map(plain)
        : value

  it('reads what JSON.parse reads, where no name comes twice', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text))
      }),
    )
  })

  const reads = (parse: (text: string) => unknown, text: string): boolean => {
    try {
      parse(text)
      return true
    } catch {
      return false
    }
  }

  it('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(json, fc.nat(), fc.constantFrom(...'{}[]",:0-.e\\tn \n\u0000\u2028'.split('')), (value, at, char) => {
        const text = JSON.stringify(value)
        const broken = text.slice(0, at % (text.length + 1)) + char + text.slice((at + 1) % (text.length + 1))
        fc.pre(!reads(JSON.parse, broken))
        expect(() => parseStrictJson(broken)).toThrow(SyntaxError)
      }),
      { numRuns: 1000 },
    )
  })
})
