/** The usage of buckets and owners always equals their rows. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openIndex } from '../../src/drivers/disk/open-index.ts'
import { findMiscounted } from '../../src/drivers/disk/quota/usage.ts'
import { verifyStore } from '../../src/drivers/disk/verify/verify-store.ts'
import type { Problem } from '../../src/drivers/verify-problems.ts'
import type { OwnerUsage, StorageDriver } from '../../src/drivers/driver.ts'
import { bodyOf, bytesOf, partSize } from '../conformance/driver/suite-tools.ts'
import { diskFixture, type DiskFixture } from './disk-fixture.ts'
import { dumpRebuilt, withoutVersions } from './store-log.ts'

let store: DiskFixture
let driver: StorageDriver
beforeEach(async () => {
  store = await diskFixture({ fsync: 'none', grace: 0 })
  driver = store.driver
  await driver.createBucket('alice-1', { owner: 'alice' })
  await driver.createBucket('alice-2', { owner: 'alice' })
  await driver.createBucket('bob-1', { owner: 'bob' })
})
afterEach(() => store.close())

const index = (): string => join(store.dir, 'index.sqlite')
const put = (bucket: string, key: string, size: number) =>
  driver.putObject({ bucket, key }, bodyOf(Buffer.alloc(size)), { contentLength: size })

async function usage(owner: string): Promise<Omit<OwnerUsage, 'owner'> | undefined> {
  const db = new Database(index(), { readonly: true })
  expect(findMiscounted(db)).toEqual([])
  db.close()
  const { owner: _, ...counts } = (await driver.usageOfOwners!()).find((one) => one.owner === owner) ?? { owner }
  return counts as Omit<OwnerUsage, 'owner'>
}
const none = { objects: 0, bytes: 0, uploads: 0, partBytes: 0 }

it('counts objects of all buckets of an owner', async () => {
  await put('alice-1', 'a', 100)
  await put('alice-2', 'b', 20)
  await put('bob-1', 'c', 3)
  expect(await usage('alice')).toEqual({ ...none, buckets: 2, objects: 2, bytes: 120 })
  expect(await usage('bob')).toEqual({ ...none, buckets: 1, objects: 1, bytes: 3 })
  expect(await usage('postern')).toEqual({ ...none, buckets: 1 })
  await put('alice-1', 'a', 7)
  await driver.copyObject({ bucket: 'alice-1', key: 'a' }, { bucket: 'bob-1', key: 'copy' })
  await driver.deleteObject({ bucket: 'alice-2', key: 'b' })
  expect(await usage('alice')).toEqual({ ...none, buckets: 2, objects: 1, bytes: 7 })
  expect(await usage('bob')).toEqual({ ...none, buckets: 1, objects: 2, bytes: 10 })
  await driver.deleteObjects('bob-1', ['c', 'copy', 'never there'])
  await driver.deleteBucket('alice-2')
  expect(await usage('bob')).toEqual({ ...none, buckets: 1 })
  expect(await usage('alice')).toEqual({ ...none, buckets: 1, objects: 1, bytes: 7 })
})

it('counts parts until their upload is complete or aborted', async () => {
  const ref = { bucket: 'alice-1', key: 'large' }
  const begin = async () => (await driver.createMultipartUpload(ref)).uploadId
  const send = (id: string, number: number, size: number) =>
    driver.uploadPart(ref, id, number, bodyOf(bytesOf(size)), { contentLength: size })
  const uploadId = await begin()
  const first = await send(uploadId, 1, partSize)
  await send(uploadId, 2, 50)
  await send(uploadId, 2, 60)
  expect(await usage('alice')).toEqual({ ...none, buckets: 2, uploads: 1, partBytes: partSize + 60 })
  await driver.completeMultipartUpload(ref, uploadId, [{ partNumber: 1, etag: first.etag }])
  expect(await usage('alice')).toEqual({ ...none, buckets: 2, objects: 1, bytes: partSize })
  const aborted = await begin()
  await send(aborted, 1, 5)
  await driver.abortMultipartUpload(ref, aborted)
  expect(await usage('alice')).toEqual({ ...none, buckets: 2, objects: 1, bytes: partSize })
  const other = { bucket: 'bob-1', key: 'unfinished' }
  const left = await driver.createMultipartUpload(other)
  await driver.uploadPart(other, left.uploadId, 1, bodyOf('left'))
  await driver.deleteBucket('bob-1')
  expect(await usage('bob')).toEqual({})
  await driver.createBucket('bob-1', { owner: 'carol' })
  expect(await usage('carol')).toEqual({ ...none, buckets: 1 })
})

it('counts the same in an index that was rebuilt from the log, and after a restored snapshot', async () => {
  await put('alice-1', 'kept', 9)
  await driver.snapshots!.take('one')
  await put('alice-1', 'kept', 90)
  const { uploadId } = await driver.createMultipartUpload({ bucket: 'bob-1', key: 'u' })
  await driver.uploadPart({ bucket: 'bob-1', key: 'u' }, uploadId, 1, bodyOf('12345'))
  await driver.createBucket('dave-1', { owner: 'dave' })
  await put('dave-1', 'later', 4)
  const rebuilt = await dumpRebuilt(store.dir)
  expect(rebuilt).toMatchObject({
    miscounted: [],
    ownerUsage: [
      { owner: 'alice', objects: 1, bytes: 90, uploads: 0, part_bytes: 0 },
      { owner: 'bob', objects: 0, bytes: 0, uploads: 1, part_bytes: 5 },
      { owner: 'dave', objects: 1, bytes: 4, uploads: 0, part_bytes: 0 },
    ],
  })
  await driver.snapshots!.restore('one')
  expect(await usage('alice')).toEqual({ ...none, buckets: 2, objects: 1, bytes: 9 })
  expect(await usage('bob')).toEqual({ ...none, buckets: 1 })
  expect((await dumpRebuilt(store.dir))['miscounted']).toEqual([])
})

it('counts the existing rows of an index of the previous version', async () => {
  await put('alice-1', 'a', 100)
  const { uploadId } = await driver.createMultipartUpload({ bucket: 'alice-2', key: 'u' })
  await driver.uploadPart({ bucket: 'alice-2', key: 'u' }, uploadId, 1, bodyOf('12345'))
  await driver.close()
  const old = new Database(index())
  old.exec(withoutVersions)
  old.exec('DROP TABLE paired; DROP TABLE bucket_usage; DROP TABLE owner_usage')
  old.exec('ALTER TABLE buckets DROP COLUMN configuration')
  old.exec('ALTER TABLE uploads DROP COLUMN initiation')
  old.pragma('user_version = 3')
  old.close()
  openIndex(index()).close()
  driver = await store.again()
  expect(await usage('alice')).toEqual({ buckets: 2, objects: 1, bytes: 100, uploads: 1, partBytes: 5 })
})

it('is checked by verify, which recounts', async () => {
  await put('alice-1', 'a', 100)
  const db = new Database(index())
  db.exec("UPDATE owner_usage SET bytes = 99; INSERT INTO bucket_usage VALUES ('bob-1', 1, 1, 0, 0)")
  db.close()
  const verify = async (mend: boolean): Promise<Partial<Problem>[]> => {
    const found: Problem[] = []
    const report = { problem: (problem: Problem) => void found.push(problem), count: () => {} }
    const { signal } = new AbortController()
    await verifyStore({ path: store.dir, deep: false, repair: mend, grace: 3600, tempGrace: 3600, report, signal })
    return found.map(({ kind, bucket, owner, repair }) => ({
      kind,
      repair,
      ...(bucket && { bucket }),
      ...(owner && { owner }),
    }))
  }
  const problems = (repair: string) => [
    { kind: 'usage', bucket: 'bob-1', repair },
    { kind: 'usage', owner: 'alice', repair },
  ]
  expect(await verify(false)).toEqual(problems('left'))
  expect(await verify(true)).toEqual(problems('corrected'))
  expect(await verify(false)).toEqual([])
})
