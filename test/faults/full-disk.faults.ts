/**
 * The file system of the blobs, the index or the catalog is really full (rows 114 and 119 of docs/security.md).
 * Acknowledged data stays readable. Once space is freed, the server writes again without a restart.
 */
import { randomBytes } from 'node:crypto'
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { send, sha256 } from './caller.ts'
import { put, startFaultHarness, tryFile, type FaultHarness } from './fault-harness.ts'
import { noteFigures } from './figures.ts'
import { checkConsistency } from './check-consistency.ts'
import { makeMount } from './mounts.ts'

const mebibyte = 1 << 20
let refused = 0

/** Takes all but `spare` bytes. */
async function fill(folder: string, spare: number): Promise<() => Promise<void>> {
  const ballast = join(folder, 'ballast')
  const file = await open(ballast, 'w')
  const { bavail, bsize } = await statfs(folder)
  const block = Buffer.alloc(bsize)
  for (let left = bavail - Math.ceil(spare / bsize); left > 0; left--) await file.write(block)
  await file.close()
  return () => rm(ballast)
}

/** A harness with one folder on a small tmpfs. */
async function onSmallDisk(
  what: 'storage' | 'catalog',
  minFree: string,
): Promise<{ harness: FaultHarness; path: string }> {
  const mount = await makeMount({ kind: 'tmpfs', size: '8M' })
  onTestFinished(() => mount.remove())
  const settings = { storage: { disk: { minFree } } }
  const where =
    what === 'storage' ? { storage: join(mount.path, 'storage') } : { catalog: join(mount.path, 'catalog.sqlite') }
  const catalog = { catalog: join(mount.outside, 'catalog.sqlite') }
  const harness = await startFaultHarness({ ...catalog, ...where, settings })
  onTestFinished(() => harness.close())
  return { harness, path: mount.path }
}

/** Uploads until one is refused; its status, and what was acknowledged. */
async function uploadUntilRefused(harness: FaultHarness, body: (i: number) => Buffer) {
  const stored = new Map<string, string>()
  for (let i = 0; i < 2000; i++) {
    const bytes = body(i)
    const { status } = await put(harness.caller, `fill-${i}`, bytes)
    if (status !== 200) return { status, stored }
    stored.set(`fill-${i}`, sha256(bytes))
  }
  throw new Error('it never became full')
}

async function expectStored(harness: FaultHarness, stored: ReadonlyMap<string, string>): Promise<void> {
  for (const [key, hash] of stored) expect(sha256((await send(await harness.caller.s3('GET', key))).body)).toBe(hash)
}

async function expectSound(harness: FaultHarness): Promise<void> {
  expect(await harness.server().stop()).toBe(0)
  expect(await checkConsistency(harness.installation)).toEqual([])
  noteFigures('full-disk', { 'writes refused by a full disk': refused, 'lost or wrong': 0 })
}

it('blobs: minFree keeps room for deletions in a full store', async () => {
  const { harness } = await onSmallDisk('storage', '1MiB')
  const { status, stored } = await uploadUntilRefused(harness, () => randomBytes(300_000))
  expect(status).toBe(507)
  refused++
  expect([200, 507]).toContain(await harness.readiness())
  await harness.expectReads()
  await expectStored(harness, stored)
  expect(await harness.temporary()).toEqual([])
  expect((await send(await harness.caller.s3('DELETE', 'fill-0'))).status).toBe(204)
  stored.delete('fill-0')
  await harness.restart()
  await expectStored(harness, stored)
  await expectSound(harness)
})

it('blobs: writes fail without free space, and succeed once there is space', async () => {
  const { harness, path } = await onSmallDisk('storage', '0B')
  const { stored } = await uploadUntilRefused(harness, () => randomBytes(300_000))
  const free = await fill(path, 0)
  for (const size of [100, 50_000, mebibyte]) {
    expect([503, 507]).toContain((await put(harness.caller, 'no room', randomBytes(size))).status)
    refused++
  }
  const { answers } = await tryFile(harness.caller, randomBytes(5000))
  expect([503, 507]).toContain(answers.at(-1)!.status)
  refused++
  await harness.expectReads()
  await expectStored(harness, stored)
  expect(await harness.temporary()).toEqual([])
  await free()
  const late = randomBytes(5000)
  // The free space is believed for a second.
  await expect.poll(async () => (await put(harness.caller, 'late', late)).status, { timeout: 5000 }).toBe(200)
  expect((await tryFile(harness.caller, late)).answers.at(-1)!.status).toBe(201)
  await expectStored(harness, new Map([...stored, ['late', sha256(late)]]))
  await expectSound(harness)
})

it('the index: empty objects fail too, because they need a row', async () => {
  const { harness, path } = await onSmallDisk('storage', '0B')
  const free = await fill(path, 64 * 1024)
  const { status, stored } = await uploadUntilRefused(harness, () => Buffer.alloc(0))
  // 507 where the log found no space; 500 where the log had it and the index did not: the next write applies that.
  expect([500, 507]).toContain(status)
  refused++
  await expect.poll(() => harness.server().log()).toMatch(/disk is full/)
  await harness.expectReads()
  await expectStored(harness, stored)
  await free()
  expect((await put(harness.caller, 'late', Buffer.alloc(0))).status).toBe(200)
  await harness.restart()
  await expectStored(harness, stored)
  await expectSound(harness)
})

it('the catalog: grants and confirms fail, while objects are served and stored', async () => {
  const { harness, path } = await onSmallDisk('catalog', '1MiB')
  const free = await fill(path, 0)
  let answers = (await tryFile(harness.caller, randomBytes(100))).answers
  for (let i = 0; i < 200 && answers.at(-1)!.status < 300; i++)
    answers = (await tryFile(harness.caller, randomBytes(100))).answers
  expect(answers.at(-1)!.status).toBe(503)
  refused++
  await expect.poll(() => harness.server().log()).toContain('no space is left for the catalog')
  await harness.expectReads()
  expect((await put(harness.caller, 'beside', randomBytes(100))).status).toBe(200)
  await free()
  expect((await tryFile(harness.caller, randomBytes(100))).answers.at(-1)!.status).toBe(201)
  await expectSound(harness)
})
