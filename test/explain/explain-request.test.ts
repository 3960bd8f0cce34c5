import { describe, expect, it } from 'vitest'
import type { SignedRow } from '../../src/explain/explanation.ts'
import { signRequest, toRawHeaders } from '../../src/sigv4/sign-request.ts'
import { explainRequest } from '../../src/explain/explain-request.ts'
import { asGet, cases, get } from './cases.ts'
import { credentials, explained, isAccepted, keys, later, signed, soon, signedAt } from './signed-put.ts'

describe.each(cases)('$what', ({ sent, code, name, was, is, advice = /./, also = [] }) => {
  const explanation = explained(sent)

  it(`is ${code}`, () => {
    const expected = {
      code,
      advice: expect.stringMatching(advice),
      ...(name !== undefined && { name }),
      ...(was !== undefined && { signed: was }),
      ...(is !== undefined && { sent: is }),
    }
    expect(explanation).toMatchObject({ outcome: 'refused', difference: expected })
    expect(explanation.also.map((other) => other.code)).toEqual(also)
  })

  it('is rejected by the server, explained with little work, and reveals no secret', () => {
    expect(isAccepted(sent)).toBe(false)
    expect(explanation.tried).toBeLessThanOrEqual(200)
    const text = JSON.stringify(explanation)
    expect(text).not.toContain(credentials.secretAccessKey)
    expect(text).not.toMatch(/made-up-token|[0-9a-f]{64}/)
  })
})

it('rejects server-side encryption in the query, although the signature is valid', () => {
  const parameter = { 'x-amz-server-side-encryption-customer-key': 'TOPSECRET' }
  const explanation = explained({ url: signed({ query: parameter }) })
  expect(explanation).toMatchObject({ outcome: 'refused', difference: { code: 'HeaderInQuery', signed: null } })
  expect(JSON.stringify(explanation)).not.toContain('TOPSECRET')
})

const unlike = (rows: readonly SignedRow[]): string[] =>
  rows.filter(({ same }) => !same).map((row) => row.name ?? row.part)

describe('the signed and the sent request', () => {
  it('are equal for an accepted request', () => {
    const { outcome, difference, rows, tried } = explained({})
    expect({ outcome, difference, tried }).toEqual({ outcome: 'valid', difference: null, tried: 1 })
    expect(isAccepted({})).toBe(true)
    expect(unlike(rows)).toEqual([])
    expect(rows.map(({ part }) => part)).toEqual([
      'method',
      'path',
      ...Array(7).fill('parameter'),
      'header',
      'host',
      'payload',
    ])
  })

  it('differ only in what was changed', () => {
    const type = explained({ headers: { 'content-type': 'text/plain' } })
    expect(unlike(type.rows)).toEqual(['content-type'])
    expect(type.rows.find(({ name }) => name === 'content-type')).toMatchObject({
      signed: 'image/jpeg',
      sent: 'text/plain',
    })
    expect(unlike(explained({ method: 'GET' }).rows)).toEqual(['method'])
    expect(unlike(explained({ url: `${get()}&v=1`, ...asGet }).rows)).toEqual(['v'])
  })

  it('leave the signed value empty if it is unknown', () => {
    const { rows } = explained({ url: signed({ credentials: { ...credentials, secretAccessKey: 'x'.repeat(40) } }) })
    expect(rows.every(({ signed: was, same }) => was === null && !same)).toBe(true)
    expect(rows.find(({ part }) => part === 'method')?.sent).toBe('PUT')
  })
})

it('reports an expired URL without the secret, and leaves its signature unchecked', () => {
  expect(explained({ keys: null })).toMatchObject({ outcome: 'unchecked', difference: null, tried: 0 })
  expect(explained({ keys: null, now: later(700) })).toMatchObject({
    outcome: 'refused',
    difference: { code: 'Expired' },
  })
})

describe('a request with an Authorization header', () => {
  const url = 'http://127.0.0.1:4001/bucket/key'
  const request = (method: string, now: Date) => {
    const options = { method: 'GET', url, payload: 'UNSIGNED-PAYLOAD', credentials, region: 'us-east-1', now: signedAt }
    const { headers: sent } = signRequest(options)
    const raw = { method, target: '/bucket/key', rawHeaders: toRawHeaders(sent), pathPrefix: '' }
    return explainRequest(raw, { region: 'us-east-1', keys, now })
  }

  it('is parsed, verified and explained like a URL', () => {
    expect(request('GET', soon)).toMatchObject({
      outcome: 'valid',
      decoded: { via: 'header', bucket: 'bucket', key: 'key' },
    })
    expect(request('PUT', soon).difference).toMatchObject({ code: 'MethodChanged', signed: 'GET' })
    expect(request('GET', later(1800)).difference).toMatchObject({
      code: 'ClockSkew',
      advice: expect.stringMatching(/NTP/),
    })
  })
})

it('never throws for any input', () => {
  for (const target of [
    '',
    '/',
    '/%zz?X-Amz-Signature=%',
    '/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=x',
    '/\u00ff?__proto__=1&X-Amz-Credential=////',
  ]) {
    const raw = { method: '', target, rawHeaders: ['authorization'], pathPrefix: '' }
    expect(explainRequest(raw, { region: null, keys, now: soon }).outcome).toBe('refused')
  }
})
