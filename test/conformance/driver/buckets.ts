/* oxlint-disable vitest/no-conditional-expect -- where stores differ, what each does instead is asserted too */
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { bodyOf, freshRef, put, codeOf, type Suite, itUnless } from './suite-tools.ts'

export function buckets(suite: Suite): void {
  const freshBucket = (): string => `suite-${randomBytes(6).toString('hex')}`
  const alice = `alice-${randomBytes(4).toString('hex')}`

  it('knows its own bucket', async () => {
    expect(await suite.driver.headBucket(suite.bucket)).toMatchObject({ bucket: suite.bucket })
  })

  it('creates and deletes buckets, or rejects it with NotSupported', async () => {
    const { driver } = suite
    const bucket = freshBucket()
    if (suite.differs('one-bucket')) {
      expect(await codeOf(driver.createBucket(bucket, { owner: alice }))).toBe('NotSupported')
      return expect(await codeOf(driver.deleteBucket(suite.bucket))).toBe('NotSupported')
    }
    await driver.createBucket(bucket, { owner: alice, acl: 'public-read' })
    expect(await driver.headBucket(bucket)).toMatchObject({ owner: alice, acl: 'public-read', cors: null })
    expect(await codeOf(driver.createBucket(bucket, { owner: alice }))).toBe('BucketAlreadyOwnedByYou')
    expect(await codeOf(driver.createBucket(bucket, { owner: 'bob' }))).toBe('BucketAlreadyExists')
    const ref = { bucket, key: 'x' }
    await driver.putObject(ref, bodyOf('x'), { contentLength: 1 })
    expect(await codeOf(driver.deleteBucket(bucket))).toBe('BucketNotEmpty')
    await driver.deleteObject(ref)
    await driver.createMultipartUpload(ref)
    await driver.deleteBucket(bucket)
    expect(await codeOf(driver.headBucket(bucket))).toBe('NoSuchBucket')
    expect(await codeOf(driver.deleteBucket(bucket))).toBe('NoSuchBucket')
  })

  it.each(['ab', 'A-Big-One', 'under_score', '192.168.1.1', 'a..b', 'x'.repeat(64), '-a-'])(
    'rejects the name %j',
    async (bucket) => {
      const code = suite.differs('one-bucket') ? 'NotSupported' : 'InvalidBucketName'
      expect(await codeOf(suite.driver.createBucket(bucket, { owner: alice }))).toBe(code)
    },
  )

  itUnless(suite, 'one-bucket')('lists the buckets of an owner in pages', async () => {
    const owner = `carol-${randomBytes(4).toString('hex')}`
    const names = Array.from({ length: 5 }, freshBucket).toSorted()
    for (const name of names) await suite.driver.createBucket(name, { owner })
    const all = await suite.driver.listBuckets({ owner })
    expect(all.map(({ bucket }) => bucket)).toEqual(names)
    const page = await suite.driver.listBuckets({ owner, after: names[1]!, max: 2 })
    expect(page.map(({ bucket }) => bucket)).toEqual(names.slice(2, 4))
    const one = await suite.driver.listBuckets({ owner, prefix: names[3]! })
    expect(one.map(({ bucket }) => bucket)).toEqual([names[3]])
    expect(await suite.driver.listBuckets({ owner: 'nobody' })).toEqual([])
  })

  it('rejects ACLs that name owners, if the store has none', async () => {
    const ref = freshRef(suite)
    const acl = { owner: 'bob', grants: [{ to: { owner: 'bob' }, permission: 'READ' as const }] }
    const written = suite.driver.putObject(ref, bodyOf('x'), { contentLength: 1, acl })
    if (suite.differs('one-bucket')) return expect(await codeOf(written)).toBe('NotSupported')
    await written
    expect((await suite.driver.headObject(ref)).acl).toEqual(acl)
  })

  itUnless(suite, 'one-bucket')('keeps CORS rules and ACLs', async () => {
    const { driver } = suite
    const bucket = freshBucket()
    await driver.createBucket(bucket, { owner: alice })
    const rule = {
      allowedOrigins: ['https://app.example.com'],
      allowedMethods: ['PUT'],
      allowedHeaders: ['*'],
      exposeHeaders: ['ETag'],
      maxAgeSeconds: 60,
    }
    await driver.setBucketCors(bucket, [rule])
    expect((await driver.headBucket(bucket)).cors).toEqual([rule])
    await driver.setBucketCors(bucket, null)
    expect((await driver.headBucket(bucket)).cors).toBeNull()
    await driver.setBucketAcl(bucket, 'public-read')
    expect((await driver.headBucket(bucket)).acl).toBe('public-read')
    const ref = freshRef(suite)
    await put(suite, ref, 'x', { acl: 'public-read' })
    expect((await driver.headObject(ref)).acl).toBe('public-read')
    const list = { owner: 'bob', grants: [{ to: { group: 'all-users' }, permission: 'READ' }] } as const
    const lists = { owner: list.owner, grants: [...list.grants] }
    await driver.setObjectAcl(ref, lists)
    expect((await driver.headObject(ref)).acl).toEqual(lists)
    await driver.setBucketAcl(bucket, lists)
    expect((await driver.headBucket(bucket)).acl).toEqual(lists)
    await driver.setObjectAcl(ref, 'private')
    expect((await driver.headObject(ref)).acl).toBe('private')
    expect(await codeOf(driver.setObjectAcl(freshRef(suite), 'private'))).toBe('NotFound')
  })

  it('keeps the configuration of a bucket, or rejects it with NotSupported', async () => {
    const { driver } = suite
    const bucket = freshBucket()
    if (suite.differs('one-bucket')) {
      expect((await driver.headBucket(suite.bucket)).configuration).toEqual({})
      return expect(await codeOf(driver.configureBucket(suite.bucket, { tags: { a: 'b' } }))).toBe('NotSupported')
    }
    expect((await driver.createBucket(bucket, { owner: alice })).configuration).toEqual({})
    const block = {
      blockPublicAcls: true,
      ignorePublicAcls: false,
      blockPublicPolicy: false,
      restrictPublicBuckets: true,
    }
    await driver.configureBucket(bucket, { tags: { a: 'b' }, ownership: 'ObjectWriter' })
    await driver.configureBucket(bucket, { publicAccessBlock: block, ownership: null })
    expect((await driver.headBucket(bucket)).configuration).toEqual({ tags: { a: 'b' }, publicAccessBlock: block })
    const tooMany = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, '']))
    expect(await codeOf(driver.configureBucket(bucket, { tags: tooMany }))).toBe('InvalidTag')
    expect(await codeOf(driver.configureBucket(freshBucket(), { tags: {} }))).toBe('NoSuchBucket')
    await driver.configureBucket(bucket, { tags: null, publicAccessBlock: null })
    expect((await driver.headBucket(bucket)).configuration).toEqual({})
    await driver.deleteBucket(bucket)
    const configuration = { ownership: 'BucketOwnerEnforced' } as const
    expect((await driver.createBucket(bucket, { owner: alice, configuration })).configuration).toEqual(configuration)
  })
}
