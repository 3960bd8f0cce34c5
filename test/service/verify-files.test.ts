/** Compares the catalog with the store: reports, repairs, and uploads in flight. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Problem } from '../../src/drivers/verify-problems.ts'
import { confirmUpload } from '../../src/service/uploads/confirm-upload.ts'
import { verifyFiles } from '../../src/service/maintenance/verify-files.ts'
import type { VerifyFilesOptions } from '../../src/service/maintenance/verify-orphans.ts'
import { createHarness, text, type Harness } from './harness.ts'

let harness: Harness
beforeEach(async () => {
  harness = await createHarness()
})
afterEach(() => harness.close())

async function verify(
  o: Partial<VerifyFilesOptions> = {},
): Promise<{ problems: Problem[]; checked: Record<string, number> }> {
  const found = { problems: [] as Problem[], checked: {} as Record<string, number> }
  const { stores, catalog, config, now } = harness.deps
  await verifyFiles({
    stores,
    catalog,
    bucket: config.storage.bucket,
    deep: false,
    repair: false,
    removeOrphans: true,
    grace: 3600,
    now,
    signal: new AbortController().signal,
    ...o,
    report: {
      problem: (problem) => void found.problems.push(problem),
      count: (what, by = 1) => void (found.checked[what] = (found.checked[what] ?? 0) + by),
    },
  })
  return found
}

async function confirmed(): Promise<{ id: string; key: string }> {
  const { id, ref } = await harness.begin()
  await harness.put(ref)
  await confirmUpload(harness.deps, 'alice', { by: { id } })
  return { id, key: ref.key }
}

const object = (key: string) => ({ bucket: harness.deps.config.storage.bucket, key })

it('finds nothing if files, pending uploads and their objects agree', async () => {
  await confirmed()
  await harness.put((await harness.begin()).ref)
  await harness.begin()
  expect(await verify({ deep: true })).toEqual({
    problems: [],
    checked: { files: 1, filesWithoutChecksum: 1, bytes: text.length },
  })
})

it('reports a file whose object is missing or different', async () => {
  const [gone, other] = [await confirmed(), await confirmed()]
  await harness.deps.stores.current.deleteObject(object(gone.key))
  await harness.deps.stores.current.deleteObject(object(other.key))
  await harness.put(object(other.key), text.toUpperCase())
  const { problems } = await verify()
  expect(problems.map(({ kind, file }) => [kind, file]).toSorted()).toEqual(
    [
      ['file-without-object', gone.id],
      ['file-differs', other.id],
    ].toSorted(),
  )
})

it('reports old objects and multipart uploads without a record, and deletes them on request', async () => {
  const file = await confirmed()
  await harness.put(object('uploads/nobodys.txt'))
  await harness.put(object('somebody/elses.txt'))
  await harness.deps.stores.current.createMultipartUpload(object('uploads/nobodys-parts.txt'))
  expect(await verify()).toMatchObject({ problems: [], checked: { inFlight: 2 } })
  harness.pass(3601)
  const kinds = async (o: Partial<VerifyFilesOptions> = {}) =>
    (await verify(o)).problems.map(({ kind, repair }) => `${kind} ${repair}`)
  const both = (repair: string) => [`object-without-file ${repair}`, `session-without-upload ${repair}`]
  expect(await kinds()).toEqual(both('left'))
  expect(await kinds({ repair: true, removeOrphans: false })).toEqual(both('left'))
  expect(await kinds({ repair: true })).toEqual(both('removed'))
  expect(await kinds()).toEqual([])
  for (const key of [file.key, 'somebody/elses.txt']) await harness.deps.stores.current.headObject(object(key))
})

it('recounts the usage for quotas', async () => {
  await confirmed()
  await harness.begin()
  const right = await harness.deps.catalog.usage('alice')
  const { catalog } = harness.deps
  const wrong = { ...right, bytes: right.bytes + 7, reservedFiles: 3 }
  const differing = { usageDifferences: async () => [{ owner: 'alice', recorded: wrong, counted: right }] }
  expect(await catalog.usageDifferences()).toEqual([])
  expect((await verify({ catalog: { ...catalog, ...differing } })).problems).toMatchObject([
    { kind: 'usage', owner: 'alice' },
  ])
  expect(await catalog.recountUsage('alice')).toEqual(right)
  expect(await catalog.recountUsage('bob')).toEqual({ bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 })
  expect(await catalog.usage('alice')).toEqual(right)
})
