/** `postern migrate` that ends by force on its way, and what it cannot move. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keysIn, MigrateRig, ownBucket, type Sent } from './rig.ts'

let rig: MigrateRig
beforeEach(async () => {
  rig = await MigrateRig.create(await ownBucket())
})
afterEach(() => rig.close())

const MiB = 2 ** 20
const inBucket = (): Promise<string[]> => keysIn(rig.store)
const filesIn = async (store: 'disk' | 's3'): Promise<string[]> => {
  const uploads = await rig.running.gateway.catalog.filesIn(store, { limit: 100 })
  return uploads.map(({ file }) => file.object.key).toSorted()
}

it('is killed at any point, and the next run goes on: nothing is lost, and nothing is left over', async () => {
  await rig.start('disk')
  const files: Sent[] = []
  for (let i = 0; i < 6; i++) files.push(await rig.send(300_000))
  files.push(await rig.send(21 * MiB))
  await rig.start('s3')

  const kill = async (rate: string, when: () => Promise<unknown>): Promise<void> => {
    const { child, finished } = rig.begin('s3', '--rate', rate, '--concurrency', '2')
    await expect.poll(when, { interval: 20, timeout: 30_000 }).toBeTruthy()
    child.kill('SIGKILL')
    expect((await finished).signal).toBe('SIGKILL')
    await rig.expectReadable(files)
  }
  const { client, bucket } = rig.store
  const announced = async () => (await rig.running.gateway.catalog.movedObjects({ limit: 99 })).length > 0
  const uploading = async () => ((await client.listMultipartUploads({ Bucket: bucket })).Uploads ?? []).length > 0
  const someMoved = async () => (await filesIn('s3')).length > 1
  // While a first copy is written, between files, and while parts are written.
  await kill('100KB', announced)
  await kill('600KB', someMoved)
  await kill('4MiB', uploading)
  expect(await filesIn('disk')).not.toEqual([])

  expect(await rig.migrate('s3')).toMatchObject({ exitCode: 0, moved: { failed: [] }, left: { files: 0 } })
  await rig.expectReadable(files)
  expect(await inBucket()).toEqual(await filesIn('s3'))
  expect(await uploading()).toBe(false)
})

/** The blob of the only object of this many bytes. */
function blobOf(size: number): string {
  const root = join(rig.dir, 'storage', 'objects')
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

describe('what cannot be moved', () => {
  it('is listed and stays, and everything else is moved', async () => {
    await rig.start('disk')
    const [well, damaged, missing] = [await rig.send(5000), await rig.send(5001), await rig.send(5002)]
    flip(blobOf(5001))
    await rm(blobOf(5002))
    await rig.start('s3')
    const first = await rig.migrate('s3')
    expect(first).toMatchObject({ exitCode: 1, ok: false, moved: { files: 1 }, left: { files: 2 } })
    const failed: { id: string }[] = first['moved'].failed
    expect(failed.map(({ id }) => id).toSorted()).toEqual([damaged.file.id, missing.file.id].toSorted())
    await rig.expectReadable([well])
    expect(await inBucket()).toEqual(await filesIn('s3'))
    const plain = await rig.bench.run(rig.args('s3').filter((one) => one !== '--json'))
    expect(plain.exitCode).toBe(1)
    expect(plain.stderr).toContain(`failed ${damaged.file.id} of alice`)
    expect(plain.stdout).toContain('2 files are still in the disk store.')
  })
})

it('changes nothing with --dry-run, and refuses calls that would go wrong', async () => {
  await rig.start('disk')
  const sent = await rig.send(5000)
  await rig.start('s3')
  const dry = await rig.migrate('s3', '--dry-run')
  expect(dry).toMatchObject({ exitCode: 0, dryRun: true, waiting: { files: 1, bytes: 5000 }, moved: { files: 0 } })
  expect(await inBucket()).toEqual([])
  expect(await rig.running.gateway.catalog.movedObjects({ limit: 9 })).toEqual([])
  const wrongWay = rig.args('s3').map((one) => (one === 'storage.driver=s3' ? 'storage.driver=disk' : one))
  const refused = await rig.bench.run(wrongWay)
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Set storage: { driver: s3 }') })
  expect((await rig.bench.run(rig.args('s3', '--concurrency', '0'))).exitCode).toBe(2)
  await rig.expectReadable([sent])
})

it('does one migration at a time', async () => {
  await rig.start('disk')
  await rig.send(400_000)
  await rig.start('s3')
  const first = rig.begin('s3', '--rate', '10KB')
  const { catalog } = rig.running.gateway
  await expect.poll(async () => (await catalog.listLeases('migrate', new Date())).length, { timeout: 20_000 }).toBe(1)
  expect(await rig.migrate('s3')).toMatchObject({ exitCode: 1, error: expect.stringContaining('Another migration') })
  first.child.kill('SIGINT')
  const { exitCode, stdout } = await first.finished
  expect({ exitCode, ...(JSON.parse(stdout) as object) }).toEqual({ exitCode: 130, ok: false, error: 'interrupted' })
  // Whoever is interrupted tidies up.
  expect(await catalog.movedObjects({ limit: 9 })).toEqual([])
  expect(await catalog.listLeases('migrate', new Date())).toEqual([])
})
