import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestsOf } from './folders.ts'
import { keys, makeFiles, region, sha256, startHarness, type Harness } from './harness.ts'

const bucket = 's3cmd'
let harness: Harness
let files: Map<string, Buffer>
let source: string
beforeAll(async () => {
  harness = await startHarness()
  source = join(harness.dir, 'files')
  files = await makeFiles(source)
})
afterAll(() => harness.close())

async function s3cmd(...args: string[]): Promise<string> {
  const { host } = new URL(harness.url)
  const settings = {
    host,
    'host-bucket': host,
    region,
    access_key: keys.alice.accessKeyId,
    secret_key: keys.alice.secretAccessKey,
    'multipart-chunk-size-mb': '5',
  }
  const options = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
  return (await harness.run('s3cmd', ['--no-ssl', '--no-progress', ...options, ...args])).stdout
}

test('creates a bucket and describes it', async () => {
  await s3cmd('mb', `s3://${bucket}`)
  expect(await s3cmd('ls')).toContain(`s3://${bucket}`)
  expect(await s3cmd('info', `s3://${bucket}`)).toContain('Location')
})

test('uploads files, large ones in parts, and downloads them', async () => {
  for (const [name, bytes] of files) {
    await s3cmd('put', join(source, ...name.split('/')), `s3://${bucket}/put/${name}`)
    expect(sha256(await harness.stored(bucket, `put/${name}`))).toBe(sha256(bytes))
  }
  const down = join(harness.dir, 'down')
  await mkdir(down)
  await s3cmd('get', '--recursive', `s3://${bucket}/put/`, `${down}/`)
  expect(await digestsOf(down)).toEqual(await digestsOf(source))
})

test('syncs in both directions', async () => {
  await s3cmd('sync', `${source}/`, `s3://${bucket}/sync/`)
  expect(await s3cmd('sync', `${source}/`, `s3://${bucket}/sync/`)).not.toMatch(/upload:/)
  const back = join(harness.dir, 'back')
  await s3cmd('sync', `s3://${bucket}/sync/`, `${back}/`)
  expect(await digestsOf(back)).toEqual(await digestsOf(source))
})

test('copies, moves, publishes and deletes objects', async () => {
  await s3cmd('cp', `s3://${bucket}/put/plain.txt`, `s3://${bucket}/copied +%.txt`)
  await s3cmd('mv', `s3://${bucket}/copied +%.txt`, `s3://${bucket}/moved.txt`)
  expect(await harness.stored(bucket, 'moved.txt')).toEqual(files.get('plain.txt'))
  await s3cmd('setacl', '--acl-public', `s3://${bucket}/moved.txt`)
  expect(await (await fetch(`${harness.url}/${bucket}/moved.txt`)).text()).toBe('plain\n')
  await s3cmd('setacl', '--acl-private', `s3://${bucket}/moved.txt`)
  expect((await fetch(`${harness.url}/${bucket}/moved.txt`)).status).toBe(403)
  await s3cmd('del', '--recursive', '--force', `s3://${bucket}`)
  await s3cmd('rb', `s3://${bucket}`)
  expect(await s3cmd('ls')).toBe('')
})
