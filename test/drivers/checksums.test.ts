import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf, joinChecksums, startChecksum } from '../../src/drivers/checksums/checksum.ts'
import { crc32c } from '../../src/drivers/checksums/crc32c.ts'
import { crc64nvme } from '../../src/drivers/checksums/crc64nvme.ts'
import { checksumAlgorithms } from '../../src/drivers/driver.ts'

const ascii = (text: string): Buffer => Buffer.from(text)

describe('CRC-32C', () => {
  it.each([
    ['', 0],
    ['123456789', 0xe3069283],
    ['a', 0xc1d04330],
    ['The quick brown fox jumps over the lazy dog', 0x22620404],
  ])('of %j', (text, expected) => expect(crc32c(ascii(text))).toBe(expected))

  // RFC 3720, appendix B.4.
  it('of 32 zeros, ones and counts', () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e)
  })
})

describe('CRC-64/NVME', () => {
  it.each([
    ['', 0n],
    ['123456789', 0xae8b14860a799888n],
  ])('of %j', (text, expected) => expect(crc64nvme(ascii(text))).toBe(expected))

  // NVM Express NVM command set specification, table of test cases.
  it('of 4 KiB of zeros and of ones', () => {
    expect(crc64nvme(Buffer.alloc(4096))).toBe(0x6482d367eb22b64en)
    expect(crc64nvme(Buffer.alloc(4096, 0xff))).toBe(0xc0ddba7302eca3acn)
  })
})

describe('every algorithm', () => {
  it.each(checksumAlgorithms)('%s is the same however the bytes are split', (algorithm) => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 12 }), (chunks) => {
        const running = startChecksum(algorithm)
        for (const chunk of chunks) running.update(chunk)
        expect(running.digest()).toEqual(digestOf(algorithm, Buffer.concat(chunks)))
      }),
    )
  })

  it.each(['crc32', 'crc32c', 'crc64nvme'] as const)('%s of joined parts is that of the whole', (algorithm) => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }), (chunks) => {
        const parts = chunks.map((chunk) => ({
          value: digestOf(algorithm, chunk).toString('base64'),
          length: chunk.length,
        }))
        expect(joinChecksums(algorithm, 'FULL_OBJECT', parts)).toEqual({
          algorithm,
          type: 'FULL_OBJECT',
          value: digestOf(algorithm, Buffer.concat(chunks)).toString('base64'),
        })
      }),
    )
  })

  it('sha256 of joined parts is composite', () => {
    const parts = ['a', 'b'].map((text) => createHash('sha256').update(text).digest())
    const value = `${createHash('sha256').update(Buffer.concat(parts)).digest('base64')}-2`
    const listed = parts.map((part) => ({ value: part.toString('base64'), length: 1 }))
    expect(joinChecksums('sha256', 'COMPOSITE', listed)).toEqual({ algorithm: 'sha256', type: 'COMPOSITE', value })
  })

  it('crc32 is zlib’s', () => {
    expect(digestOf('crc32', ascii('123456789')).readUInt32BE()).toBe(crc32('123456789'))
  })
})
