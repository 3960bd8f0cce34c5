import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeFiles, sha256, startHarness, type Harness } from './harness.ts'

type Transferred = {
  read: Record<string, Record<string, string>>
  checksums: Record<string, boolean>
  pages: { keys: string[]; prefixes: string[]; versions: string[] }
  missing: string
  foreign: string
}

const bucket = 'boto3'
let harness: Harness
let files: Map<string, Buffer>
let result: Transferred
beforeAll(async () => {
  harness = await startHarness()
  await harness.bucket(bucket)
  files = await makeFiles(join(harness.dir, 'files'))
  const paths = Object.fromEntries(
    [...files.keys()].map((name) => [name, join(harness.dir, 'files', ...name.split('/'))]),
  )
  const { stdout } = await harness.run('python', [join(import.meta.dirname, 'boto3_transfers.py')], {
    input: harness.spec({ bucket, files: paths }),
  })
  result = JSON.parse(stdout) as Transferred
})
afterAll(() => harness.close())

test.each([
  ['with its default checksums', 'default'],
  ['without checksums, like older versions', 'plain'],
  ['with the payload in the signature', 'signed'],
  ['with SHA-256 checksums', 'sha256'],
  ['from streams that cannot be rewound', 'streams'],
])('transfers files %s, large ones in parts', async (_how, kind) => {
  expect(result.read[kind]).toEqual(Object.fromEntries([...files].map(([name, bytes]) => [name, sha256(bytes)])))
  const prefix = kind === 'streams' ? 'stream' : kind
  for (const [name, bytes] of files)
    expect(sha256(await harness.stored(bucket, `${prefix}/${name}`))).toBe(sha256(bytes))
})

test('gets the checksums that it sent', () => {
  expect(result.checksums).toEqual({ CRC32: true, SHA1: true, SHA256: true })
})

test('pages through keys, prefixes and versions', async () => {
  const stored = await harness.storedKeys(bucket)
  expect(result.pages.keys).toEqual(stored)
  expect(result.pages.versions).toEqual(stored)
  expect(result.pages.prefixes).toEqual([...new Set(stored.map((key) => `${key.split('/')[0]}/`))])
})

test('recognises the errors by their codes', () => {
  expect([result.missing, result.foreign]).toEqual(['NoSuchKey', 'AccessDenied'])
})
