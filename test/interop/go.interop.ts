import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runGo } from './go-program.ts'
import { makeFiles, sha256, startHarness, type Harness } from './harness.ts'

type Driven = {
  read: Record<string, string>
  listed: string[]
  left: string[]
  metadata: Record<string, string>
  contentType: string
  range: string
  missing: string
}

let harness: Harness
let files: Map<string, Buffer>
beforeAll(async () => {
  harness = await startHarness()
  files = await makeFiles(join(harness.dir, 'files'))
})
afterAll(() => harness.close())

test.each([
  ['the AWS SDK for Go', 'drive-aws', 'go-aws'],
  ['minio-go', 'drive-minio', 'go-minio'],
])('%s reads back what it wrote', async (_name, command, bucket) => {
  await harness.bucket(bucket)
  const paths = Object.fromEntries(
    [...files.keys()].map((name) => [name, join(harness.dir, 'files', ...name.split('/'))]),
  )
  const driven = await runGo<Driven>(harness, command, { bucket, files: paths })

  const digests = Object.fromEntries([...files].map(([name, bytes]) => [name, sha256(bytes)]))
  const names = [...files.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  expect(driven.read).toEqual(digests)
  expect(driven.left).toEqual(names)
  const removed = [0, 1, 2, 3, 4].map((i) => `removed/${i}`)
  expect(driven.listed.toSorted()).toEqual([...names, ...removed].toSorted())
  expect(driven).toMatchObject({ metadata: { from: 'go' }, contentType: 'text/x-go', missing: 'NoSuchKey' })
  expect(driven.range).toBe(sha256(files.get('large.bin')!.subarray(5_000_000, 9_000_001)))
  for (const [name, bytes] of files) expect(sha256(await harness.stored(bucket, name))).toBe(sha256(bytes))
})
