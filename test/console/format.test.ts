import { describe, expect, it } from 'vitest'
import { formatBytesOf } from '../../src/console/format.ts'

describe('format progress', () => {
  it.each([
    [49_073_357, 93_952_409, '46.8 of 89.6 MiB'],
    [716_800, 1_258_291, '700 KiB of 1.2 MiB'],
    [0, 2 ** 20, '0 B of 1 MiB'],
    [3, 7, '3 of 7 B'],
    [0, 0, '0 of 0 B'],
  ])('formats %d of %d bytes', (bytes, total, words) => {
    expect(formatBytesOf(bytes, total)).toBe(words)
  })
})
