import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listenAddress, parseDuration, parseSize, autoOrSize, offOrDuration } from '../../src/config/values.ts'

describe('sizes', () => {
  it.each([
    ['5GiB', 5 * 2 ** 30],
    ['100MiB', 100 * 2 ** 20],
    ['1.5 kib', 1536],
    ['1kB', 1000],
    ['48213', 48_213],
    [7, 7],
    ['0', 0],
  ])('%j is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  it.each(['', 'GiB', '-1', '5 apples', '0x10', '1e3', 'Infinity', '99999999TiB', '5Gi b'])('%j is none', (text) => {
    expect(parseSize(text)).toBeNull()
  })

  it('reads back its own output', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.constantFrom('B', 'KiB', 'MiB', 'GiB'), (n, unit) => {
        expect(parseSize(`${n}${unit}`)).toBe(n * 1024 ** ['B', 'KiB', 'MiB', 'GiB'].indexOf(unit))
      }),
    )
  })
})

describe('durations', () => {
  it.each([
    ['30s', 30],
    ['15m', 900],
    ['24h', 86_400],
    ['7d', 604_800],
    ['250ms', 0.25],
    [90, 90],
  ])('%j is %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds)
  })

  it.each(['', '0', '-5m', 'soon', '5 min', '1e9', '11y', '99999d'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeNull()
  })
})

describe('settings with a keyword', () => {
  it('accept the keyword, or a value', () => {
    expect(['auto', '5GiB', 7].map((text) => autoOrSize.parse(text))).toEqual(['auto', 5 * 1024 ** 3, 7])
    expect([null, 'off', '7d', '1ms'].map((text) => offOrDuration.parse(text))).toEqual([null, null, 604_800, 0.001])
    const refused = [autoOrSize.safeParse('off'), offOrDuration.safeParse('auto'), offOrDuration.safeParse('0')]
    expect(refused.map(({ success }) => success)).toEqual([false, false, false])
  })
})

describe('addresses', () => {
  it.each([
    ['127.0.0.1:4000', '127.0.0.1', 4000],
    ['[::1]:4000', '::1', 4000],
    ['localhost:0', 'localhost', 0],
    [':4000', '0.0.0.0', 4000],
    ['4000', '127.0.0.1', 4000],
    [4000, '127.0.0.1', 4000],
  ])('%j is %s port %d', (text, host, port) => {
    expect(listenAddress.parse(text)).toEqual({ host, port })
  })

  it.each(['', '127.0.0.1', 'a:b', '127.0.0.1:65536', '::1:4000', 'http://127.0.0.1:4000', 'a b:1'])(
    '%j is none',
    (text) => {
      expect(listenAddress.safeParse(text).success).toBe(false)
    },
  )
})
