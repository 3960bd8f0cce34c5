import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { Client, CopyConditions } from 'minio'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keys, makeFiles, region, sha256, startHarness, type Harness } from './harness.ts'

const bucket = 'minio-js'
let harness: Harness
let client: Client
let files: Map<string, Buffer>
beforeAll(async () => {
  harness = await startHarness()
  const { hostname, port } = new URL(harness.url)
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = keys.alice
  client = new Client({ endPoint: hostname, port: Number(port), useSSL: false, region, accessKey, secretKey })
  files = await makeFiles(join(harness.dir, 'files'))
})
afterAll(() => harness.close())

const pathOf = (name: string): string => join(harness.dir, 'files', ...name.split('/'))

test('creates a bucket and finds it', async () => {
  await client.makeBucket(bucket, region)
  expect(await client.bucketExists(bucket)).toBe(true)
  expect(await client.bucketExists('no-such-bucket')).toBe(false)
  expect((await client.listBuckets()).map(({ name }) => name)).toEqual([bucket])
})

test('uploads files, buffers and streams and reads them back', async () => {
  for (const [name, bytes] of files) {
    await client.fPutObject(bucket, `file/${name}`, pathOf(name), {
      'x-amz-meta-album': '2026',
      'content-type': 'text/x',
    })
    await client.putObject(bucket, `buffer/${name}`, bytes)
    // Of an empty stream it would make an upload without parts, which S3 refuses.
    const size = bytes.length === 0 ? 0 : undefined
    await client.putObject(bucket, `stream/${name}`, createReadStream(pathOf(name)), size)
    for (const key of [`file/${name}`, `buffer/${name}`, `stream/${name}`]) {
      expect(sha256(await buffer(await client.getObject(bucket, key)))).toBe(sha256(bytes))
      expect(sha256(await harness.stored(bucket, key))).toBe(sha256(bytes))
    }
    const copied = join(harness.dir, 'copied')
    await client.fGetObject(bucket, `file/${name}`, copied)
    expect(sha256(await readFile(copied))).toBe(sha256(bytes))
    const stat = await client.statObject(bucket, `file/${name}`)
    expect(stat).toMatchObject({ size: bytes.length, metaData: { album: '2026', 'content-type': 'text/x' } })
  }
})

test('reads a range of an object', async () => {
  const part = await buffer(await client.getPartialObject(bucket, 'file/large.bin', 1000, 2000))
  expect(sha256(part)).toBe(sha256(files.get('large.bin')!.subarray(1000, 3000)))
})

test('lists with both versions of ListObjects', async () => {
  const names = [...files.keys()].map((name) => `file/${name}`).toSorted()
  const collect = async (stream: AsyncIterable<{ name?: string; prefix?: string }>): Promise<string[]> => {
    const found: string[] = []
    for await (const entry of stream) found.push(entry.name ?? entry.prefix ?? '')
    return found
  }
  expect((await collect(client.listObjectsV2(bucket, 'file/', true))).toSorted()).toEqual(names)
  expect((await collect(client.listObjects(bucket, 'file/', true))).toSorted()).toEqual(names)
  expect(await collect(client.listObjectsV2(bucket, 'file/s', false))).toEqual(['file/sub/'])
})

test('copies, composes, tags and deletes objects', async () => {
  await client.copyObject(bucket, 'copy', `/${bucket}/file/plain.txt`, new CopyConditions())
  expect(await harness.stored(bucket, 'copy')).toEqual(files.get('plain.txt'))
  await client.setObjectTagging(bucket, 'copy', { colour: 'light blue' })
  expect(await client.getObjectTagging(bucket, 'copy')).toEqual([{ Key: 'colour', Value: 'light blue' }])
  await client.removeObjectTagging(bucket, 'copy', { versionId: 'null' })
  await client.removeObject(bucket, 'copy')
  await expect(client.statObject(bucket, 'copy')).rejects.toMatchObject({ code: 'NotFound' })
  await client.removeObjects(bucket, await harness.storedKeys(bucket))
  expect(await harness.storedKeys(bucket)).toEqual([])
  await client.removeBucket(bucket)
  expect(await client.bucketExists(bucket)).toBe(false)
})
