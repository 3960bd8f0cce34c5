/* oxlint-disable vitest/no-conditional-expect -- where stores differ, what each does instead is asserted too */
import { beforeAll, describe, expect, it } from 'vitest'
import type { ObjectRef, ReadConditions } from '../../../src/drivers/driver.ts'
import { bodyOf, freshRef, put, read, codeOf, type Suite, itUnless } from './suite-tools.ts'

export function conditions(suite: Suite): void {
  describe('on reads', () => {
    let ref: ObjectRef
    let etag: string
    let modified: Date
    beforeAll(async () => {
      ref = freshRef(suite)
      etag = (await put(suite, ref, 'conditional')).etag
      modified = (await suite.driver.headObject(ref)).lastModified
    })
    const other = '"0123456789abcdef0123456789abcdef"'
    const shifted = (seconds: number): Date => new Date(modified.getTime() + seconds * 1000)

    const cases: [string, () => ReadConditions, 'ok' | 'PreconditionFailed' | 'NotModified'][] = [
      ['If-Match of its etag', () => ({ ifMatch: `"${etag}"` }), 'ok'],
      ['If-Match of another', () => ({ ifMatch: other }), 'PreconditionFailed'],
      ['If-Match: *', () => ({ ifMatch: '*' }), 'ok'],
      ['If-None-Match of its etag', () => ({ ifNoneMatch: `"${etag}"` }), 'NotModified'],
      ['If-None-Match of another', () => ({ ifNoneMatch: other }), 'ok'],
      ['If-None-Match: *', () => ({ ifNoneMatch: '*' }), 'NotModified'],
      ['If-Modified-Since before', () => ({ ifModifiedSince: shifted(-10) }), 'ok'],
      ['If-Modified-Since its time', () => ({ ifModifiedSince: modified }), 'NotModified'],
      ['If-Unmodified-Since before', () => ({ ifUnmodifiedSince: shifted(-10) }), 'PreconditionFailed'],
      ['If-Unmodified-Since its time', () => ({ ifUnmodifiedSince: modified }), 'ok'],
      [
        'If-Match true, which rules out If-Unmodified-Since',
        () => ({ ifMatch: `"${etag}"`, ifUnmodifiedSince: shifted(-10) }),
        'ok',
      ],
      [
        'If-None-Match false, whatever If-Modified-Since says',
        () => ({ ifNoneMatch: `"${etag}"`, ifModifiedSince: shifted(-10) }),
        'NotModified',
      ],
    ]

    it.each(cases)('%s', async (_, make, outcome) => {
      expect(await codeOf(suite.driver.headObject(ref, make()))).toBe(outcome)
      expect(await codeOf(read(suite, ref, make()))).toBe(outcome)
    })

    it('is NotFound, not a failed condition, for a missing object', async () => {
      expect(await codeOf(suite.driver.headObject(freshRef(suite), { ifMatch: '*' }))).toBe('NotFound')
    })
  })

  describe('on deletions', () => {
    it('If-Match deletes the object with this etag and no other', async () => {
      const ref = freshRef(suite)
      const { etag } = await put(suite, ref, 'kept')
      const other = suite.driver.deleteObject(ref, { ifMatch: '"0123456789abcdef0123456789abcdef"' })
      // Stores that may ignore the condition are not asked.
      expect(['PreconditionFailed', 'NotSupported']).toContain(await codeOf(other))
      expect((await read(suite, ref)).toString()).toBe('kept')
      const same = await codeOf(suite.driver.deleteObject(ref, { ifMatch: `"${etag}"` }))
      expect(same).toBe((await codeOf(read(suite, ref))) === 'NotFound' ? 'ok' : 'NotSupported')
    })
  })

  describe('on writes', () => {
    const supported = (): boolean => suite.driver.capabilities.has('conditional-put')

    it('If-None-Match: * creates an object and never replaces one', async () => {
      const ref = freshRef(suite)
      if (!supported()) return expect(await codeOf(put(suite, ref, 'a', { ifNoneMatch: '*' }))).toBe('NotSupported')
      await put(suite, ref, 'first', { ifNoneMatch: '*' })
      expect(await codeOf(put(suite, ref, 'second', { ifNoneMatch: '*' }))).toBe('PreconditionFailed')
      expect((await read(suite, ref)).toString()).toBe('first')
    })

    itUnless(suite, 'no-conditional-put')('of many If-None-Match: * at once exactly one wins', async () => {
      const ref = freshRef(suite)
      const attempts = Array.from({ length: 8 }, (_, i) => put(suite, ref, `writer ${i}`, { ifNoneMatch: '*' }))
      const outcomes = await Promise.allSettled(attempts)
      const winners = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : []))
      expect(winners).toHaveLength(1)
      for (const attempt of attempts.filter((_, i) => i !== winners[0]))
        expect(await codeOf(attempt)).toBeOneOf(['PreconditionFailed', 'ConditionalConflict'])
      expect((await read(suite, ref)).toString()).toBe(`writer ${winners[0]}`)
    })

    it('If-Match replaces only the object with this etag', async () => {
      const ref = freshRef(suite)
      const { etag } = await put(suite, ref, 'first')
      if (!supported()) return expect(await codeOf(put(suite, ref, 'b', { ifMatch: etag }))).toBe('NotSupported')
      const second = await put(suite, ref, 'second', { ifMatch: `"${etag}"` })
      expect(await codeOf(put(suite, ref, 'third', { ifMatch: etag }))).toBe('PreconditionFailed')
      await put(suite, ref, 'third', { ifMatch: second.etag })
      expect((await read(suite, ref)).toString()).toBe('third')
    })

    itUnless(suite, 'no-conditional-put')('If-Match of what is not there is NotFound', async () => {
      const ref = freshRef(suite)
      expect(await codeOf(put(suite, ref, 'x', { ifMatch: '0123456789abcdef0123456789abcdef' }))).toBeOneOf([
        'NotFound',
        'PreconditionFailed',
      ])
    })

    itUnless(suite, 'no-conditional-put')('leaves a refused body to be collected', async () => {
      const ref = freshRef(suite)
      await put(suite, ref, 'first')
      const body = bodyOf('second')
      expect(await codeOf(suite.driver.putObject(ref, body, { contentLength: 6, ifNoneMatch: '*' }))).toBe(
        'PreconditionFailed',
      )
      expect(body.destroyed || body.readableEnded).toBe(true)
    })
  })
}
