/* oxlint-disable vitest/no-conditional-expect -- where stores differ, what each does instead is asserted too */
import { expect, it } from 'vitest'
import { checksumAlgorithms } from '../../../src/drivers/driver.ts'
import { bodyOf, freshRef, put, codeOf, type Suite } from './suite-tools.ts'

/** Of the bytes `123456789`: the check values of each algorithm's definition. */
const known = {
  sha1: '98O8HYCOBHMq32eZZczDTKeuNEE=',
  sha256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=',
  sha512: '2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+hQ==',
  md5: 'JfnnlDI7RTiF9RgfG2JNCw==',
  crc32: 'y/Q5Jg==',
  crc32c: '4waSgw==',
  crc64nvme: 'rosUhgp5mIg=',
} as const

export function checksums(suite: Suite): void {
  it.each(checksumAlgorithms)('verifies, stores and returns %s', async (algorithm) => {
    const ref = freshRef(suite)
    const value = known[algorithm]
    const writing = put(suite, ref, '123456789', { checksum: { algorithm, value } })
    if (suite.differs('no-crc64nvme') && algorithm === 'crc64nvme')
      return expect(await codeOf(writing)).toBe('NotSupported')
    await writing
    const stored = { algorithm, value, type: 'FULL_OBJECT' }
    const kept = suite.differs('no-stored-checksums') ? undefined : stored
    expect((await suite.driver.headObject(ref)).checksum).toEqual(kept)
  })

  it.each(checksumAlgorithms)('rejects bytes that do not match the declared %s', async (algorithm) => {
    const ref = freshRef(suite)
    const writing = put(suite, ref, '123456780', { checksum: { algorithm, value: known[algorithm] } })
    const otherwise = suite.differs('no-crc64nvme') && algorithm === 'crc64nvme'
    expect(await codeOf(writing)).toBe(otherwise ? 'NotSupported' : 'BadDigest')
    expect(await codeOf(suite.driver.headObject(ref))).toBe('NotFound')
  })

  it('computes a checksum that is requested without a value', async () => {
    const ref = freshRef(suite)
    const writing = put(suite, ref, '123456789', { checksum: { algorithm: 'crc32' } })
    if (suite.differs('no-stored-checksums')) return expect(await codeOf(writing)).toBe('NotSupported')
    expect((await writing).checksum?.value).toBe(known.crc32)
  })

  it('reads the value of a trailer once, after the last byte', async () => {
    const ref = freshRef(suite)
    const calls: boolean[] = []
    const body = bodyOf('123456789', 2)
    const value = (): string => {
      calls.push(body.readableEnded)
      return known.sha256
    }
    await suite.driver.putObject(ref, body, { contentLength: 9, checksum: { algorithm: 'sha256', value } })
    expect(calls).toEqual([true])
  })

  it('rejects a wrong trailer', async () => {
    const ref = freshRef(suite)
    const checksum = { algorithm: 'sha256', value: () => known.sha256 } as const
    expect(await codeOf(suite.driver.putObject(ref, bodyOf('123456780'), { contentLength: 9, checksum }))).toBe(
      'BadDigest',
    )
    expect(await codeOf(suite.driver.headObject(ref))).toBe('NotFound')
  })
}
