/* oxlint-disable vitest/no-conditional-expect -- where stores differ, what each does instead is asserted too */
import { expect, it } from 'vitest'
import { bytesOf, freshRef, MiB, put, read, codeOf, type Suite, itUnless } from './suite-tools.ts'

export function copies(suite: Suite): void {
  const tagged = (tags: Record<string, string>): { tags?: Record<string, string> } =>
    suite.differs('no-tags') ? {} : { tags }

  it('copies bytes, headers and tags', async () => {
    const [source, target] = [freshRef(suite), freshRef(suite)]
    const data = bytesOf(MiB)
    await put(suite, source, data, { contentType: 'image/png', metadata: { a: '1' }, ...tagged({ t: 'v' }) })
    const copied = await suite.driver.copyObject(source, target)
    expect(copied.etag).toBe((await suite.driver.headObject(source)).etag)
    expect(copied.lastModified.getTime()).toBeGreaterThan(0)
    expect((await read(suite, target)).equals(data)).toBe(true)
    expect(await suite.driver.headObject(target)).toMatchObject({ contentType: 'image/png', metadata: { a: '1' } })
    expect(await suite.driver.getObjectTags(target)).toEqual(suite.differs('no-tags') ? {} : { t: 'v' })
  })

  it('sets new headers and tags with REPLACE', async () => {
    const [source, target] = [freshRef(suite), freshRef(suite)]
    await put(suite, source, 'x', { contentType: 'image/png', metadata: { a: '1' }, ...tagged({ t: 'v' }) })
    await suite.driver.copyObject(source, target, {
      metadataDirective: 'REPLACE',
      contentType: 'text/plain',
      metadata: { b: '2' },
      taggingDirective: 'REPLACE',
      ...tagged({ n: 'w' }),
    })
    const head = await suite.driver.headObject(target)
    expect(head).toMatchObject({ contentType: 'text/plain', metadata: { b: '2' } })
    expect(head.metadata).not.toHaveProperty('a')
    expect(await suite.driver.getObjectTags(target)).toEqual(suite.differs('no-tags') ? {} : { n: 'w' })
  })

  it('keeps a storage class, or rejects it with NotSupported', async () => {
    const [source, target] = [freshRef(suite), freshRef(suite)]
    const written = put(suite, source, 'x', { storageClass: 'STANDARD_IA', metadata: { a: '1' } })
    if (suite.differs('one-bucket')) return expect(await codeOf(written)).toBe('NotSupported')
    await written
    expect((await suite.driver.headObject(source)).storageClass).toBe('STANDARD_IA')
    const { objects } = await suite.driver.listObjects({ bucket: source.bucket, prefix: source.key })
    expect(objects[0]?.storageClass).toBe('STANDARD_IA')
    await suite.driver.copyObject(source, target)
    expect((await suite.driver.headObject(target)).storageClass).toBeUndefined()
    await suite.driver.copyObject(source, target, { storageClass: 'ONEZONE_IA' })
    expect(await suite.driver.headObject(target)).toMatchObject({ storageClass: 'ONEZONE_IA', metadata: { a: '1' } })
  })

  it('keeps a copy after its source is deleted, and the source after its copy is', async () => {
    const [source, target] = [freshRef(suite), freshRef(suite)]
    await put(suite, source, 'shared')
    await suite.driver.copyObject(source, target)
    await suite.driver.deleteObject(source)
    await suite.driver.sweep()
    expect((await read(suite, target)).toString()).toBe('shared')
    await suite.driver.copyObject(target, source)
    await put(suite, target, 'replaced')
    await suite.driver.sweep()
    expect((await read(suite, source)).toString()).toBe('shared')
  })

  it('changes the headers of an object by copying it onto itself, and rejects a copy that changes nothing', async () => {
    const ref = freshRef(suite)
    await put(suite, ref, 'same', { contentType: 'text/plain' })
    expect(await codeOf(suite.driver.copyObject(ref, ref))).toBe('InvalidRequest')
    await suite.driver.copyObject(ref, ref, { metadataDirective: 'REPLACE', contentType: 'text/csv' })
    expect((await suite.driver.headObject(ref)).contentType).toBe('text/csv')
    expect((await read(suite, ref)).toString()).toBe('same')
  })

  it('enforces conditions on the source', async () => {
    const [source, target] = [freshRef(suite), freshRef(suite)]
    const { etag } = await put(suite, source, 'x')
    const { driver } = suite
    const wrong = '0123456789abcdef0123456789abcdef'
    expect(await codeOf(driver.copyObject(source, target, { sourceConditions: { ifMatch: wrong } }))).toBe(
      'PreconditionFailed',
    )
    expect(await codeOf(driver.copyObject(source, target, { sourceConditions: { ifNoneMatch: etag } }))).toBe(
      'PreconditionFailed',
    )
    expect(await codeOf(driver.headObject(target))).toBe('NotFound')
    await driver.copyObject(source, target, { sourceConditions: { ifMatch: etag } })
  })

  it('enforces conditions on the target', async () => {
    const [source, target] = [freshRef(suite), freshRef(suite)]
    await put(suite, source, 'new')
    await put(suite, target, 'old')
    const copying = suite.driver.copyObject(source, target, { ifNoneMatch: '*' })
    expect(await codeOf(copying)).toBe(suite.differs('no-conditional-copy') ? 'NotSupported' : 'PreconditionFailed')
    expect((await read(suite, target)).toString()).toBe('old')
  })

  it('is NotFound for a missing source', async () => {
    expect(await codeOf(suite.driver.copyObject(freshRef(suite), freshRef(suite)))).toBe('NotFound')
  })

  itUnless(suite, 'no-stored-checksums')('computes a checksum that the source does not have', async () => {
    const [source, target] = [freshRef(suite), freshRef(suite)]
    await put(suite, source, '123456789')
    await suite.driver.copyObject(source, target, { checksumAlgorithm: 'crc32' })
    expect((await suite.driver.headObject(target)).checksum).toMatchObject({ algorithm: 'crc32', value: 'y/Q5Jg==' })
  })
}
