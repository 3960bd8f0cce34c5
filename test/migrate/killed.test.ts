/** `postern migrate` that is killed, and files that it cannot move. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keysIn, MigrationHarness, ownBucket, type Sent } from './harness.ts'

let harness: MigrationHarness
beforeEach(async () => {
  harness = await MigrationHarness.create(await ownBucket())
})
afterEach(() => harness.close())

const MiB = 2 ** 20
const inBucket = (): Promise<string[]> => keysIn(harness.store)
const filesIn = async (store: 'disk' | 's3'): Promise<string[]> => {
  const uploads = await harness.running.gateway.catalog.filesIn(store, { limit: 100 })
  return uploads.map(({ file }) => file.object.key).toSorted()
}

it('continues after a kill at any point, without lost or leftover files', async () => {
  await harness.start('disk')
  const files: Sent[] = []
  for (let i = 0; i < 6; i++) files.push(await harness.send(300_000))
  files.push(await harness.send(21 * MiB))
  await harness.start('s3')

  const kill = async (rate: string, when: () => Promise<unknown>): Promise<void> => {
    const { child, finished } = harness.begin('s3', '--rate', rate, '--concurrency', '2')
    await expect.poll(when, { interval: 20, timeout: 30_000 }).toBeTruthy()
    child.kill('SIGKILL')
    expect((await finished).signal).toBe('SIGKILL')
    await harness.expectReadable(files)
  }
  const { client, bucket } = harness.store
  const announced = async () => (await harness.running.gateway.catalog.movedObjects({ limit: 99 })).length > 0
  const uploading = async () => ((await client.listMultipartUploads({ Bucket: bucket })).Uploads ?? []).length > 0
  const someMoved = async () => (await filesIn('s3')).length > 1
  // While a first copy is written, between files, and while parts are written.
  await kill('100KB', announced)
  await kill('600KB', someMoved)
  await kill('4MiB', uploading)
  expect(await filesIn('disk')).not.toEqual([])

  expect(await harness.migrate('s3')).toMatchObject({ exitCode: 0, moved: { failed: [] }, left: { files: 0 } })
  await harness.expectReadable(files)
  expect(await inBucket()).toEqual(await filesIn('s3'))
  expect(await uploading()).toBe(false)
})

/** The blob of the only object of this many bytes. */
function blobOf(size: number): string {
  const root = join(harness.dir, 'storage', 'objects')
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(({ name }) =>
    /^[0-9a-f]{32}$/.test(name),
  )
  const stat = files.map((one) => join(one.parentPath, one.name)).filter((file) => statSync(file).size === size)
  expect(stat).toHaveLength(1)
  return stat[0]!
}

function flip(file: string): void {
  const bytes = readFileSync(file)
  bytes[100]! ^= 1
  writeFileSync(file, bytes)
}

describe('a file that cannot be moved', () => {
  it('is listed and stays, and all others are moved', async () => {
    await harness.start('disk')
    const [well, damaged, missing] = [await harness.send(5000), await harness.send(5001), await harness.send(5002)]
    flip(blobOf(5001))
    await rm(blobOf(5002))
    await harness.start('s3')
    const first = await harness.migrate('s3')
    expect(first).toMatchObject({ exitCode: 1, ok: false, moved: { files: 1 }, left: { files: 2 } })
    const failed: { id: string }[] = first['moved'].failed
    expect(failed.map(({ id }) => id).toSorted()).toEqual([damaged.file.id, missing.file.id].toSorted())
    await harness.expectReadable([well])
    expect(await inBucket()).toEqual(await filesIn('s3'))
    const plain = await harness.bench.run(harness.args('s3').filter((one) => one !== '--json'))
    expect(plain.exitCode).toBe(1)
    expect(plain.stderr).toContain(`failed ${damaged.file.id} of alice`)
    expect(plain.stdout).toContain('Still in the disk store: 2 files.')
  })
})

it('changes nothing with --dry-run, and refuses invalid arguments', async () => {
  await harness.start('disk')
  const sent = await harness.send(5000)
  await harness.start('s3')
  const dry = await harness.migrate('s3', '--dry-run')
  expect(dry).toMatchObject({ exitCode: 0, dryRun: true, waiting: { files: 1, bytes: 5000 }, moved: { files: 0 } })
  expect(await inBucket()).toEqual([])
  expect(await harness.running.gateway.catalog.movedObjects({ limit: 9 })).toEqual([])
  const wrongWay = harness.args('s3').map((one) => (one === 'storage.driver=s3' ? 'storage.driver=disk' : one))
  const refused = await harness.bench.run(wrongWay)
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Set storage: { driver: s3 }') })
  expect((await harness.bench.run(harness.args('s3', '--concurrency', '0'))).exitCode).toBe(2)
  await harness.expectReadable([sent])
})

it('runs one migration at a time', async () => {
  await harness.start('disk')
  await harness.send(400_000)
  await harness.start('s3')
  const first = harness.begin('s3', '--rate', '10KB')
  const { catalog } = harness.running.gateway
  await expect.poll(async () => (await catalog.listLeases('migrate', new Date())).length, { timeout: 20_000 }).toBe(1)
  expect(await harness.migrate('s3')).toMatchObject({
    exitCode: 1,
    error: expect.stringContaining('Another migration'),
  })
  first.child.kill('SIGINT')
  const { exitCode, stdout } = await first.finished
  expect({ exitCode, ...(JSON.parse(stdout) as object) }).toEqual({ exitCode: 130, ok: false, error: 'interrupted' })
  // Whoever is interrupted tidies up.
  expect(await catalog.movedObjects({ limit: 9 })).toEqual([])
  expect(await catalog.listLeases('migrate', new Date())).toEqual([])
})
