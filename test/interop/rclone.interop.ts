import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestsOf } from './folders.ts'
import { keys, makeFiles, region, sha256, startHarness, type Output, type Harness } from './harness.ts'

const bucket = 'rclone'
let harness: Harness
let files: Map<string, Buffer>
let source: string
beforeAll(async () => {
  harness = await startHarness()
  source = join(harness.dir, 'files')
  files = await makeFiles(source)
})
afterAll(() => harness.close())

const rclone = (...args: string[]): Promise<Output> =>
  harness.run('rclone', ['--config', '', '--retries', '1', '--low-level-retries', '1', ...args], {
    env: {
      RCLONE_CONFIG_HERE_TYPE: 's3',
      RCLONE_CONFIG_HERE_PROVIDER: 'Other',
      RCLONE_CONFIG_HERE_ENDPOINT: harness.url,
      RCLONE_CONFIG_HERE_REGION: region,
      RCLONE_CONFIG_HERE_ACCESS_KEY_ID: keys.alice.accessKeyId,
      RCLONE_CONFIG_HERE_SECRET_ACCESS_KEY: keys.alice.secretAccessKey,
      RCLONE_S3_UPLOAD_CUTOFF: '6M',
      RCLONE_S3_CHUNK_SIZE: '5M',
    },
  })

test('uploads a folder, checks it, and downloads it', async () => {
  await rclone('mkdir', `here:${bucket}`)
  await rclone('copy', source, `here:${bucket}/copy`)
  for (const [name, bytes] of files) expect(sha256(await harness.stored(bucket, `copy/${name}`))).toBe(sha256(bytes))
  await rclone('check', source, `here:${bucket}/copy`)
  await rclone('check', '--download', source, `here:${bucket}/copy`)
  const down = join(harness.dir, 'down')
  await rclone('copy', `here:${bucket}/copy`, down)
  expect(await digestsOf(down)).toEqual(await digestsOf(source))
})

test('detects differences', async () => {
  await writeFile(join(source, 'plain.txt'), 'other\n')
  await expect(rclone('check', source, `here:${bucket}/copy`)).rejects.toThrow(/plain\.txt/)
})

test('syncs deletions and times, and transfers nothing in a second run', async () => {
  await writeFile(join(source, 'extra.txt'), 'soon gone')
  await rclone('sync', source, `here:${bucket}/sync`)
  await rclone('delete', source, '--include', 'extra.txt')
  await rclone('sync', source, `here:${bucket}/sync`)
  expect(await harness.storedKeys(bucket)).not.toContain('sync/extra.txt')
  const { stderr } = await rclone('sync', '-v', source, `here:${bucket}/sync`)
  expect(stderr).not.toMatch(/Copied|Deleted/)
})

test('moves an object with a copy inside the store', async () => {
  await rclone('moveto', `here:${bucket}/copy/large.bin`, `here:${bucket}/moved to/large+.bin`)
  expect(sha256(await harness.stored(bucket, 'moved to/large+.bin'))).toBe(sha256(files.get('large.bin')!))
  await rclone('purge', `here:${bucket}/copy`)
  const { stdout } = await rclone('lsf', `here:${bucket}`)
  expect(stdout.trim().split('\n')).toEqual(['moved to/', 'sync/'])
})

test('creates a link that works', async () => {
  const { stdout } = await rclone('link', '--expire', '10m', `here:${bucket}/sync/a b+c%20d.txt`)
  expect(await (await fetch(stdout.trim())).text()).toBe(files.get('a b+c%20d.txt')!.toString())
})
