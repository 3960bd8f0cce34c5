import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeFiles, sha256, startHarness, type Harness } from './harness.ts'

type Driven = {
  read: Record<string, Record<string, string>>
  checksums: Record<string, boolean>
  copied: boolean
  posted: string
  signed: string
  album: string
  missing: string
  listed: string[]
  left: string[]
}

const bucket = 'ruby'
let harness: Harness
let files: Map<string, Buffer>
beforeAll(async () => {
  harness = await startHarness()
  await harness.bucket(bucket)
  files = await makeFiles(join(harness.dir, 'files'))
})
afterAll(() => harness.close())

test('the AWS SDK for Ruby reads back what it wrote, and its forms and URLs work', async () => {
  const paths = Object.fromEntries(
    [...files.keys()].map((name) => [name, join(harness.dir, 'files', ...name.split('/'))]),
  )
  const { stdout } = await harness.run('ruby', [join(import.meta.dirname, 'ruby_objects.rb')], {
    input: harness.spec({ bucket, files: paths }),
  })
  const driven = JSON.parse(stdout) as Driven

  const digests = [...files].map(([name, bytes]) => [name, sha256(bytes)] as const)
  const whole = Object.fromEntries(digests)
  const filled = Object.fromEntries(digests.filter(([name]) => files.get(name)?.length !== 0))
  expect(driven.read).toEqual({ put: whole, file: whole, stream: filled })
  for (const [name, bytes] of files) expect(sha256(await harness.stored(bucket, `file/${name}`))).toBe(sha256(bytes))
  expect(driven.checksums).toEqual({ CRC32: true, SHA1: true, SHA256: true })
  expect([driven.copied, driven.posted, driven.signed, driven.missing]).toEqual([true, '201', 'by URL', 'NoSuchKey'])
  expect(driven.album).toBe('2026')
  expect((await harness.stored(bucket, 'posted ü')).toString()).toBe('by form')
  const kept = await harness.storedKeys(bucket)
  const removed = [...files.keys()].map((name) => `put/${name}`)
  expect(driven.listed.toSorted()).toEqual([...kept, ...removed].toSorted())
  expect(driven.left).toEqual([])
})
