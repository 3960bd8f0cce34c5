/* oxlint-disable vitest/no-conditional-expect -- where stores differ, what each does instead is asserted too */
import { beforeAll, describe, expect, it } from 'vitest'
import type { ByteRange, ObjectRef } from '../../../src/drivers/driver.ts'
import { bytesOf, collect, freshRef, MiB, put, codeOf, type Suite } from './suite-tools.ts'

const KiB = 1024

export function ranges(suite: Suite): void {
  const size = 2 * MiB + 5
  const data = bytesOf(size)
  let ref: ObjectRef
  let empty: ObjectRef
  beforeAll(async () => {
    ref = freshRef(suite)
    empty = freshRef(suite)
    await put(suite, ref, data)
    await put(suite, empty, '')
  })

  const last = size - 1
  const cases: [ByteRange, number, number][] = [
    [{ start: 0, end: 0 }, 0, 0],
    [{ start: 1, end: 99 }, 1, 99],
    [{ start: 0 }, 0, last],
    [{ start: last }, last, last],
    [{ start: 100, end: size + 1000 }, 100, last],
    [{ start: 256 * KiB - 1, end: 256 * KiB }, 256 * KiB - 1, 256 * KiB],
    [{ start: 256 * KiB, end: 512 * KiB - 1 }, 256 * KiB, 512 * KiB - 1],
    [{ start: 300_000, end: 1_500_000 }, 300_000, 1_500_000],
    [{ suffix: 1 }, last, last],
    [{ suffix: 700_000 }, size - 700_000, last],
    [{ suffix: size + 5 }, 0, last],
  ]

  it.each(cases)('serves %j', async (range, start, end) => {
    const object = await suite.driver.getObject(ref, { range })
    expect(object.range).toEqual({ start, end })
    expect(object.head.contentLength).toBe(size)
    expect((await collect(object.stream())).equals(data.subarray(start, end + 1))).toBe(true)
  })

  it.each([{ start: size }, { start: size + 10, end: size + 20 }, { suffix: 0 }])('rejects %j', async (range) => {
    expect(await codeOf(suite.driver.getObject(ref, { range }))).toBe('InvalidRange')
  })

  it.each([{ start: 0 }, { suffix: 1 }])('rejects %j of an empty object', async (range) => {
    expect(await codeOf(suite.driver.getObject(empty, { range }))).toBe('InvalidRange')
  })

  describe('a part of an object that was not uploaded in parts', () => {
    it('is the whole object as part 1, and no other part', async () => {
      if (suite.differs('no-part-reads'))
        return expect(await codeOf(suite.driver.getObject(ref, { partNumber: 1 }))).toBe('NotSupported')
      const object = await suite.driver.getObject(ref, { partNumber: 1 })
      expect((await collect(object.stream())).equals(data)).toBe(true)
      expect(await codeOf(suite.driver.getObject(ref, { partNumber: 2 }))).toBe('InvalidRange')
      expect(await codeOf(suite.driver.getObject(ref, { partNumber: 1, range: { start: 0 } }))).toBe('InvalidRequest')
    })
  })
}
