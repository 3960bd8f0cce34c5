import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeFiles, sha256, startHarness, type Harness } from './harness.ts'

type Driven = { read: Record<string, Record<string, string>>; ranges: boolean }

let harness: Harness
let files: Map<string, Buffer>
beforeAll(async () => {
  harness = await startHarness()
  files = await makeFiles(join(harness.dir, 'files'))
})
afterAll(() => harness.close())

/** What it read back is what the store holds, and both are the files. */
async function drive<Result extends Driven>(name: string): Promise<Result> {
  const bucket = await harness.bucket(`py-${name.replace('_', '-')}`)
  const paths = Object.fromEntries(
    [...files.keys()].map((file) => [file, join(harness.dir, 'files', ...file.split('/'))]),
  )
  const { stdout } = await harness.run('python', [join(import.meta.dirname, 'python_stores.py')], {
    input: harness.spec({ bucket, files: paths, with: name }),
  })
  const driven = JSON.parse(stdout) as Result
  const digests = Object.fromEntries([...files].map(([file, bytes]) => [file, sha256(bytes)]))
  for (const [kind, read] of Object.entries(driven.read)) {
    expect(read).toEqual(digests)
    for (const [file, bytes] of files)
      expect(sha256(await harness.stored(bucket, `${kind}/${file}`))).toBe(sha256(bytes))
  }
  expect(driven.ranges).toBe(true)
  return driven
}

test('obstore reads back what it wrote, with checksums, unsigned bodies and conditions', async () => {
  const driven = await drive<
    Driven & { attributes: object; conditions: Record<string, boolean>; signed: string; many: unknown[] }
  >('obstore')
  expect(Object.keys(driven.read)).toEqual(['plain', 'sha256', 'unsigned'])
  expect(driven.attributes).toMatchObject({ 'Content-Type': 'text/x-o', a: 'b' })
  expect(driven.conditions).toEqual({
    'created once': true,
    replaced: true,
    'replaced once': true,
    'copied once': true,
    'not modified': true,
  })
  expect(driven.signed).toBe('by URL')
  expect(driven.many).toEqual([true, 7, []])
})

test('pyarrow reads back what it wrote, and creates folders', async () => {
  const driven = await drive<Driven & { folders: unknown[]; many: unknown[] }>('pyarrow')
  expect(Object.keys(driven.read)).toEqual(['plain', 'delayed'])
  expect(driven.folders).toEqual(['Directory', files.get('large.bin')?.length, 'NotFound'])
  expect(driven.many).toEqual([true, 'NotFound'])
})

test('smart_open reads back what it wrote, in parts and in one request', async () => {
  expect(Object.keys((await drive('smart_open')).read)).toEqual(['parts', 'whole'])
})
