import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestsOf } from './folders.ts'
import { makeFiles, region, sha256, startRig, type Rig } from './rig.ts'

const bucket = 's3fs-mount'
let rig: Rig
let mounted: string
beforeAll(async () => {
  rig = await startRig()
  await rig.bucket(bucket)
  mounted = join(rig.dir, 'mounted')
  await mkdir(mounted)
  const options = [`url=${rig.url}`, `endpoint=${region}`, 'use_path_request_style', 'multipart_size=5', 'retries=1']
  await rig.run('s3fs', [bucket, mounted, ...options.flatMap((option) => ['-o', option])])
})
afterAll(async () => {
  await rig.run('fusermount', ['-u', mounted]).catch(() => rig.run('umount', [mounted]))
  await rig.close()
})

test('a mounted bucket keeps files and folders', async () => {
  const files = await makeFiles(mounted)
  const digests = Object.fromEntries([...files].map(([name, bytes]) => [name, sha256(bytes)]))
  expect(await digestsOf(mounted)).toEqual(digests)
  for (const [name, bytes] of files) expect(sha256(await rig.stored(bucket, name))).toBe(sha256(bytes))
})

test('files are changed, renamed and removed', async () => {
  const path = join(mounted, 'notes.txt')
  await writeFile(path, 'one\n')
  await appendFile(path, 'two\n')
  await rename(path, join(mounted, 'renamed.txt'))
  expect(await readFile(join(mounted, 'renamed.txt'), 'utf8')).toBe('one\ntwo\n')
  expect((await rig.stored(bucket, 'renamed.txt')).toString()).toBe('one\ntwo\n')
  expect((await stat(join(mounted, 'renamed.txt'))).size).toBe(8)
  await rm(join(mounted, 'renamed.txt'))
  expect(await readdir(mounted)).not.toContain('renamed.txt')
  expect(await rig.storedKeys(bucket)).not.toContain('renamed.txt')
})
