/** Versions and object lock, or their refusal by a store that has neither. */
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { bodyOf, codeOf, freshPrefix, freshRef, itUnless, put, type Suite } from './suite-tools.ts'

const lock = { retention: { mode: 'GOVERNANCE' as const, until: '2099-01-01T00:00:00.000Z' } }

export function versions(suite: Suite): void {
  it('lists the objects of a bucket without versions, each as the version null', async () => {
    const prefix = freshPrefix()
    for (const key of ['a', 'b/1', 'b/2', 'c']) await put(suite, { bucket: suite.bucket, key: prefix + key }, key)
    const page = await suite.driver.listObjectVersions({ bucket: suite.bucket, prefix, delimiter: '/' })
    expect(page.versions).toMatchObject(
      ['a', 'c'].map((key) => ({ key: prefix + key, versionId: 'null', isLatest: true, isDeleteMarker: false })),
    )
    expect([page.commonPrefixes, page.isTruncated]).toEqual([[`${prefix}b/`], false])
  })

  it('refuses locks in a bucket that has none', async () => {
    const { driver } = suite
    const code = suite.differs('one-bucket') ? 'NotSupported' : 'InvalidRequest'
    const ref = freshRef(suite)
    expect(await codeOf(driver.putObject(ref, bodyOf('x'), { contentLength: 1, lock }))).toBe(code)
    expect(await codeOf(driver.createMultipartUpload(ref, { lock }))).toBe(code)
    await put(suite, ref, 'x')
    expect(await codeOf(driver.copyObject(ref, freshRef(suite), { lock }))).toBe(code)
    expect(await codeOf(driver.setObjectLock(ref, lock))).toBe(code)
    expect((await driver.headObject(ref)).lock).toBeUndefined()
  })

  itUnless(suite, 'one-bucket')(
    'keeps what was written before, marks what was deleted, and removes versions',
    async () => {
      const { driver } = suite
      const ref = { bucket: `suite-${randomBytes(6).toString('hex')}`, key: 'a' }
      await driver.createBucket(ref.bucket, { owner: 'alice', configuration: { versioning: 'Enabled' } })
      const first = (await driver.putObject(ref, bodyOf('1'))).versionId!
      const second = (await driver.putObject(ref, bodyOf('22'))).versionId!
      const marker = (await driver.deleteObject(ref)).versionId!
      const list = async (): Promise<string[]> =>
        (await driver.listObjectVersions({ bucket: ref.bucket })).versions.map(({ versionId }) => versionId)
      expect(await list()).toEqual([marker, second, first])
      expect(await codeOf(driver.headObject(ref))).toBe('NotFound')
      expect(await codeOf(driver.headObject(ref, { versionId: marker }))).toBe('IsDeleteMarker')
      expect((await driver.headObject(ref, { versionId: first })).contentLength).toBe(1)
      await driver.deleteObject(ref, { versionId: marker })
      expect((await driver.headObject(ref)).versionId).toBe(second)
      await driver.deleteObject(ref, { versionId: second })
      await driver.deleteObject(ref, { versionId: first })
      expect(await list()).toEqual([])
      await driver.deleteBucket(ref.bucket)
    },
  )

  itUnless(suite, 'one-bucket')('locks a version until its lock is removed', async () => {
    const { driver } = suite
    const ref = { bucket: `suite-${randomBytes(6).toString('hex')}`, key: 'a' }
    const configuration = { versioning: 'Enabled', objectLock: {} } as const
    await driver.createBucket(ref.bucket, { owner: 'alice', configuration })
    const versionId = (await driver.putObject(ref, bodyOf('1'), { lock })).versionId!
    expect((await driver.headObject(ref)).lock).toEqual(lock)
    expect(await codeOf(driver.deleteObject(ref, { versionId }))).toBe('AccessDenied')
    expect(await codeOf(driver.setObjectLock(ref, { retention: null }))).toBe('AccessDenied')
    await driver.setObjectLock(ref, { legalHold: true }, { versionId })
    expect(await codeOf(driver.deleteObject(ref, { versionId, bypassGovernance: true }))).toBe('AccessDenied')
    await driver.setObjectLock(ref, { legalHold: false })
    await driver.setObjectLock(ref, { retention: null, bypassGovernance: true })
    await driver.deleteObject(ref, { versionId })
    await driver.deleteBucket(ref.bucket)
  })
}
