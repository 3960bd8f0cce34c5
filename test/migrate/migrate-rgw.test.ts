/** `postern migrate` to a real store and back, also where the bucket keeps versions. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestBucket } from '../fixtures/s3-store.ts'
import { hashAt, MigrationHarness } from './harness.ts'
import { limit } from '../fixtures/time-limit.ts'

const MiB = 2 ** 20

describe.each([{ versioned: false }, { versioned: true }])('a bucket, versioned: $versioned', ({ versioned }) => {
  let harness: MigrationHarness
  beforeEach(async () => {
    const { bucket, endpoint, accessKeyId, secretAccessKey, s3: client, remove } = await createTestBucket()
    const VersioningConfiguration = { Status: 'Enabled' } as const
    if (versioned) await client.putBucketVersioning({ Bucket: bucket, VersioningConfiguration })
    const provider = process.env['S3_TEST_PROVIDER'] ?? 'ceph'
    const s3 = { endpoint, provider, region: 'us-east-1', forcePathStyle: true, accessKeyId, secretAccessKey }
    harness = await MigrationHarness.create({ bucket, client, s3, close: remove })
  })
  afterEach(() => harness.close())

  it('receives every file, small ones and one in parts, and returns them', { timeout: limit(90_000) }, async () => {
    await harness.start('disk')
    const files = [
      await harness.send(0),
      await harness.send(700),
      await harness.send(2 * MiB),
      await harness.send(21 * MiB + 5),
    ]
    const open = await harness.send(300, { visibility: 'public' })
    const urls = await Promise.all(files.map(({ file }) => harness.url(file.id)))
    const all = [...files, open]

    await harness.start('s3')
    const fresh = await harness.send(900)
    expect(await harness.migrate('s3')).toMatchObject({
      exitCode: 0,
      moved: { files: 5, failed: [] },
      left: { files: 0 },
    })
    await harness.expectReadable([...all, fresh])
    for (const [i, { sha256 }] of files.entries()) expect(await hashAt(urls[i]!)).toBe(sha256)
    const { catalog } = harness.running.gateway
    const records = (await catalog.filesIn('s3', { limit: 9 })).map(({ file }) => file)
    expect(records).toHaveLength(6)
    // A sealed copy lies at a key that no URL can write to, and needs no version.
    const moved = records.filter(({ id }) => id !== fresh.file.id)
    for (const { object } of moved) expect(object.versionId !== undefined).toBe(versioned)
    const direct = await Promise.all(files.map(({ file }) => harness.url(file.id)))
    for (const url of direct) expect(new URL(url).origin).toBe(harness.store.s3['endpoint'])

    await harness.start('disk')
    const back = await harness.migrate('disk', '--grace', '1s')
    expect(back).toMatchObject({ exitCode: 0, moved: { files: 6, failed: [] }, left: { files: 0 } })
    await harness.expectReadable([...all, fresh])
    await harness.stop()
    const gc = ['gc', ...harness.args('disk').slice(3)]
    // The upload URL of the newest is still good: what lies at its key goes when that has ended.
    const sizes = async () => {
      const { Versions = [] } = await harness.store.client.listObjectVersions({ Bucket: harness.store.bucket })
      const stored = Versions.filter(({ Key }) => Key !== 'postern-write-check')
      return stored.map(({ Size }) => Size).filter((size) => size !== 900)
    }
    await expect
      .poll(async () => (await harness.bench.run(gc)).stdout && (await sizes()), { timeout: 30_000 })
      .toEqual([])
    await harness.start('disk')
    await harness.expectReadable([...all, fresh])
  })
})
