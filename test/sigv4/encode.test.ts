import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAmzDate, parseAmzDate } from '../../src/sigv4/amz-date.ts'
import {
  canonicalPath,
  canonicalQuery,
  decodeComponent,
  encodePath,
  encodeRfc3986,
  hasMalformedEncoding,
  parseQuery,
} from '../../src/sigv4/encode.ts'
import { BoundedCache, signingKey } from '../../src/sigv4/signing-key.ts'

const text = fc.string({ unit: 'binary' })

describe('encoding', () => {
  it('keeps the unreserved characters, and encodes every other byte', () => {
    expect(encodeRfc3986("AZaz09-._~ !'()*/+%ü🌱")).toBe('AZaz09-._~%20%21%27%28%29%2A%2F%2B%25%C3%BC%F0%9F%8C%B1')
    expect(encodePath('a b//c%2F')).toBe('a%20b//c%252F')
  })

  it('comes back', () => {
    fc.assert(
      fc.property(text, (t) => {
        expect(decodeComponent(encodeRfc3986(t))).toBe(t)
      }),
    )
  })

  it('a canonical path is its own canonical path, and that of every way to write it', () => {
    fc.assert(
      fc.property(text, (t) => {
        const canonical = canonicalPath(`/${encodePath(t)}`)
        expect(canonical).toBe(`/${encodePath(t)}`)
        expect(canonicalPath(canonical)).toBe(canonical)
        const everyByte = [...Buffer.from(t)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
        expect(canonicalPath(`/${everyByte}`)).toBe(canonical)
      }),
    )
  })

  it('two paths that name two keys have two canonical forms', () => {
    const raw = fc.string({ unit: fc.constantFrom(...'ab/+%20252F?~!'.split('')) })
    fc.assert(
      fc.property(raw, raw, (a, b) => {
        fc.pre(!hasMalformedEncoding(`/${a}`) && !hasMalformedEncoding(`/${b}`))
        expect(canonicalPath(`/${a}`) === canonicalPath(`/${b}`)).toBe(decodeComponent(a) === decodeComponent(b))
      }),
    )
  })

  it('sorts a canonical query by encoded name, then value', () => {
    expect(canonicalQuery('b=2&a-b=1&a=z&a=y&%C3%BC=1&A=1&c&&d=&=e')).toBe('=e&%C3%BC=1&A=1&a=y&a=z&a-b=1&b=2&c=&d=')
    expect(canonicalQuery('x=1&X-Amz-Signature=2', 'X-Amz-Signature')).toBe('x=1')
    expect(canonicalQuery('x=1&X%2dAmz-Signature=2', 'X-Amz-Signature')).toBe('x=1')
    expect(canonicalQuery("q=a+b%20c!'()*/=d")).toBe('q=a%2Bb%20c%21%27%28%29%2A%2F%3Dd')
  })

  it('parses a query as signed', () => {
    expect(parseQuery('a=1+2&b&c=&d=e=f&%61=%2B')).toEqual([
      { name: 'a', value: '1+2' },
      { name: 'b', value: '' },
      { name: 'c', value: '' },
      { name: 'd', value: 'e=f' },
      { name: 'a', value: '+' },
    ])
  })

  it.each(['/%', '/%4', '/%zz', '/%C3', '/%C3%', '/%FF', '/ü', '/a b', '/\u0000', '/%ED%A0%80'])(
    '%s is malformed',
    (target) => {
      expect(hasMalformedEncoding(target)).toBe(true)
    },
  )

  it.each(['/', '/%00', '/%C3%BC', '/a+b?c=%2B&d', '/%25zz'])('%s is well-formed', (target) => {
    expect(hasMalformedEncoding(target)).toBe(false)
  })
})

describe('dates', () => {
  it('come back', () => {
    const years = { min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }
    fc.assert(
      fc.property(fc.date(years), (date) => {
        expect(parseAmzDate(formatAmzDate(date))).toEqual(new Date(Math.floor(date.getTime() / 1000) * 1000))
      }),
    )
    expect(() => formatAmzDate(new Date('+010000-01-01T00:00:00Z'))).toThrow(RangeError)
  })

  it.each([
    '20260230T000000Z',
    '20260101T240000Z',
    '20260101T006000Z',
    '20260101T000060Z',
    '2026-01-01T00:00:00Z',
    '20260101T000000',
    '',
  ])('%s is none', (date) => {
    expect(parseAmzDate(date)).toBeNull()
  })
})

describe('signing keys', () => {
  it('are derived once per secret, day and region', () => {
    const scope = { date: '20260304', region: 'us-east-1', service: 's3' } as const
    expect(signingKey('secret', scope)).toBe(signingKey('secret', { ...scope }))
    expect(signingKey('secret', { ...scope, date: '20260305' }).equals(signingKey('secret', scope))).toBe(false)
    expect(signingKey('secret2', scope).equals(signingKey('secret', scope))).toBe(false)
  })

  it('are cached in a bounded number, the least recently used dropped first', () => {
    const cache = new BoundedCache<number, object>(3)
    const made = [1, 2, 3].map((n) => cache.get(n, () => ({ n })))
    expect(cache.get(1, () => ({}))).toBe(made[0])
    cache.get(4, () => ({}))
    expect(cache.count).toBe(3)
    expect(cache.get(1, () => ({}))).toBe(made[0])
    expect(cache.get(2, () => ({}))).not.toBe(made[1])
  })
})
