import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestsOf } from './folders.ts'
import { makeFiles, startHarness, type Harness } from './harness.ts'

let harness: Harness
let source: string
let before: Record<string, string>
beforeAll(async () => {
  harness = await startHarness()
  source = join(harness.dir, 'files')
  await makeFiles(source)
  before = await digestsOf(source)
})
afterAll(() => harness.close())

const restic = async (...args: string[]): Promise<string> => {
  const env = { RESTIC_REPOSITORY: `s3:${harness.url}/restic/a repository`, RESTIC_PASSWORD: 'interop' }
  return (await harness.run('restic', ['--no-cache', ...args], { env })).stdout
}

test('creates a backup, checks every byte, and restores it', async () => {
  await restic('init')
  await restic('backup', source)
  await restic('check', '--read-data')
  const restored = join(harness.dir, 'restored')
  await restic('restore', 'latest', '--target', restored)
  expect(await digestsOf(join(restored, ...source.split('/')))).toEqual(before)
})

test('keeps two snapshots, and prunes', async () => {
  await writeFile(join(source, 'plain.txt'), 'changed\n')
  await restic('backup', source)
  expect(JSON.parse(await restic('snapshots', '--json'))).toHaveLength(2)
  await restic('forget', '--keep-last', '1', '--prune')
  expect(JSON.parse(await restic('snapshots', '--json'))).toHaveLength(1)
  await restic('check', '--read-data')
  expect(await restic('dump', 'latest', join(source, 'plain.txt'))).toBe('changed\n')
})
