/** Compares records with a real bucket: by HEAD, and with `deep` by reading. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Problem } from '../../src/drivers/verify-problems.ts'
import { verifyFiles } from '../../src/service/maintenance/verify-files.ts'
import { as, sha256, store, type Caller } from '../api/caller.ts'
import { begin } from '../api/multipart-caller.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { createTestBucket, type TestBucket } from '../fixtures/s3-store.ts'
import type { VerifyFilesOptions } from '../../src/service/maintenance/verify-orphans.ts'

let bucket: TestBucket
let gateway: RunningGateway
let alice: Caller
beforeAll(async () => {
  bucket = await createTestBucket()
  const { endpoint, accessKeyId, secretAccessKey } = bucket
  const s3 = { provider: 'ceph', endpoint, region: 'us-east-1', forcePathStyle: true, accessKeyId, secretAccessKey }
  gateway = await startGateway({ storage: { driver: 's3', bucket: bucket.bucket, s3 } })
  alice = await as(gateway, 'alice')
})
afterAll(async () => {
  await gateway.close()
  await bucket.remove()
})

async function verify(o: Partial<VerifyFilesOptions> = {}): Promise<string[]> {
  const problems: Problem[] = []
  const { stores, catalog } = gateway.gateway
  const signal = new AbortController().signal
  const report = { problem: (found: Problem) => void problems.push(found), count: () => {} }
  const run = { deep: false, repair: false, removeOrphans: false, grace: 3600, now: () => new Date(), signal, report }
  await verifyFiles({ ...run, stores, catalog, bucket: bucket.bucket, ...o })
  return problems.map(({ kind, file, key }) => `${kind} ${file ?? key}`).toSorted()
}

/** Replaces an object past the gateway. */
const overwrite = (Key: string, Body: string): Promise<unknown> =>
  bucket.s3.putObject({ Bucket: bucket.bucket, Key, Body, ContentType: 'text/plain' })

it('reports missing, changed and orphaned objects, and no intact ones', async () => {
  const checksum = { algorithm: 'sha256', value: sha256('well stored') }
  const [well, gone, changed] = [
    await store(alice, 'well stored', { checksum }),
    await store(alice, 'gone'),
    await store(alice, 'changed'),
  ]
  const open = await begin(alice, { size: 6_000_000 })
  expect(await verify({ deep: true })).toEqual([])

  const { catalog } = gateway.gateway
  const objectOf = async (id: string): Promise<string> => (await catalog.getFile('alice', id))!.object.key
  await bucket.s3.deleteObject({ Bucket: bucket.bucket, Key: await objectOf(gone.id) })
  await overwrite(await objectOf(changed.id), 'CHANGED')
  await overwrite('uploads/nobodys.txt', 'x')
  await bucket.s3.abortMultipartUpload({ Bucket: bucket.bucket, Key: open.key, UploadId: open.uploadId })
  const found = [`file-differs ${changed.id}`, `file-without-object ${gone.id}`, `upload-without-session ${open.id}`]
  expect(await verify()).toEqual(found)
  const later = { now: () => new Date(Date.now() + 7_200_000) }
  const all = [...found, 'object-without-file uploads/nobodys.txt'].toSorted()
  // Another gateway may use this bucket: a repair leaves what is not ours.
  expect(await verify({ ...later, repair: true })).toEqual(all)
  expect(await verify(later)).toEqual(all)
  expect(await verify({ deep: true })).not.toContain(`file-damaged ${well.id}`)
})
