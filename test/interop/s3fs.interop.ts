import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestsOf } from './folders.ts'
import { makeFiles, region, sha256, startHarness, type Harness } from './harness.ts'

const bucket = 's3fs-mount'
let harness: Harness
let mounted: string
beforeAll(async () => {
  harness = await startHarness()
  await harness.bucket(bucket)
  mounted = join(harness.dir, 'mounted')
  await mkdir(mounted)
  const options = [
    `url=${harness.url}`,
    `endpoint=${region}`,
    'use_path_request_style',
    'multipart_size=5',
    'retries=1',
  ]
  await harness.run('s3fs', [bucket, mounted, ...options.flatMap((option) => ['-o', option])])
})
afterAll(async () => {
  await harness.run('fusermount', ['-u', mounted]).catch(() => harness.run('umount', [mounted]))
  await harness.close()
})

test('a mounted bucket keeps files and folders', async () => {
  const files = await makeFiles(mounted)
  const digests = Object.fromEntries([...files].map(([name, bytes]) => [name, sha256(bytes)]))
  expect(await digestsOf(mounted)).toEqual(digests)
  for (const [name, bytes] of files) expect(sha256(await harness.stored(bucket, name))).toBe(sha256(bytes))
})

test('files can be changed, renamed and deleted', async () => {
  const path = join(mounted, 'notes.txt')
  await writeFile(path, 'one\n')
  await appendFile(path, 'two\n')
  await rename(path, join(mounted, 'renamed.txt'))
  expect(await readFile(join(mounted, 'renamed.txt'), 'utf8')).toBe('one\ntwo\n')
  expect((await harness.stored(bucket, 'renamed.txt')).toString()).toBe('one\ntwo\n')
  expect((await stat(join(mounted, 'renamed.txt'))).size).toBe(8)
  await rm(join(mounted, 'renamed.txt'))
  expect(await readdir(mounted)).not.toContain('renamed.txt')
  expect(await harness.storedKeys(bucket)).not.toContain('renamed.txt')
})
