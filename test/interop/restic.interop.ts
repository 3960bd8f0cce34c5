import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestsOf } from './folders.ts'
import { makeFiles, startRig, type Rig } from './rig.ts'

let rig: Rig
let source: string
let before: Record<string, string>
beforeAll(async () => {
  rig = await startRig()
  source = join(rig.dir, 'files')
  await makeFiles(source)
  before = await digestsOf(source)
})
afterAll(() => rig.close())

const restic = async (...args: string[]): Promise<string> => {
  const env = { RESTIC_REPOSITORY: `s3:${rig.url}/restic/a repository`, RESTIC_PASSWORD: 'interop' }
  return (await rig.run('restic', ['--no-cache', ...args], { env })).stdout
}

test('backs up, checks every byte, and restores', async () => {
  await restic('init')
  await restic('backup', source)
  await restic('check', '--read-data')
  const restored = join(rig.dir, 'restored')
  await restic('restore', 'latest', '--target', restored)
  expect(await digestsOf(join(restored, ...source.split('/')))).toEqual(before)
})

test('keeps the first snapshot beside a second, and prunes', async () => {
  await writeFile(join(source, 'plain.txt'), 'changed\n')
  await restic('backup', source)
  expect(JSON.parse(await restic('snapshots', '--json'))).toHaveLength(2)
  await restic('forget', '--keep-last', '1', '--prune')
  expect(JSON.parse(await restic('snapshots', '--json'))).toHaveLength(1)
  await restic('check', '--read-data')
  expect(await restic('dump', 'latest', join(source, 'plain.txt'))).toBe('changed\n')
})
