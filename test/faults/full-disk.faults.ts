/**
 * Rows 114 and 119 on a file system that is really full: the blobs', the index's and the catalog's in turn. What was
 * acknowledged before stays, and when space is freed the server writes again, without a restart.
 */
import { randomBytes } from 'node:crypto'
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { send, sha256 } from './caller.ts'
import { put, startFaultRig, tryFile, type FaultRig } from './fault-rig.ts'
import { noteFigures } from './figures.ts'
import { judge } from './judge.ts'
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

/** A rig of which one folder lies on a small tmpfs. */
async function onSmallDisk(what: 'storage' | 'catalog', minFree: string): Promise<{ rig: FaultRig; path: string }> {
  const mount = await makeMount({ kind: 'tmpfs', size: '8M' })
  onTestFinished(() => mount.remove())
  const settings = { storage: { disk: { minFree } } }
  const where =
    what === 'storage' ? { storage: join(mount.path, 'storage') } : { catalog: join(mount.path, 'catalog.sqlite') }
  const catalog = { catalog: join(mount.outside, 'catalog.sqlite') }
  const rig = await startFaultRig({ ...catalog, ...where, settings })
  onTestFinished(() => rig.close())
  return { rig, path: mount.path }
}

/** Uploads until one is refused; its status, and what was acknowledged. */
async function uploadUntilRefused(rig: FaultRig, body: (i: number) => Buffer) {
  const stored = new Map<string, string>()
  for (let i = 0; i < 2000; i++) {
    const bytes = body(i)
    const { status } = await put(rig.caller, `fill-${i}`, bytes)
    if (status !== 200) return { status, stored }
    stored.set(`fill-${i}`, sha256(bytes))
  }
  throw new Error('it never became full')
}

async function expectStored(rig: FaultRig, stored: ReadonlyMap<string, string>): Promise<void> {
  for (const [key, hash] of stored) expect(sha256((await send(await rig.caller.s3('GET', key))).body)).toBe(hash)
}

async function expectSound(rig: FaultRig): Promise<void> {
  expect(await rig.server().stop()).toBe(0)
  expect(await judge(rig.site)).toEqual([])
  noteFigures('full-disk', { 'writes refused by a full disk': refused, 'lost or wrong': 0 })
}

it('blobs: minFree keeps room, so that a full store can still be deleted from', async () => {
  const { rig } = await onSmallDisk('storage', '1MiB')
  const { status, stored } = await uploadUntilRefused(rig, () => randomBytes(300_000))
  expect(status).toBe(507)
  refused++
  expect([200, 507]).toContain(await rig.readiness())
  await rig.expectReads()
  await expectStored(rig, stored)
  expect(await rig.temporary()).toEqual([])
  expect((await send(await rig.caller.s3('DELETE', 'fill-0'))).status).toBe(204)
  stored.delete('fill-0')
  await rig.restart()
  await expectStored(rig, stored)
  await expectSound(rig)
})

it('blobs: not a byte left, then space again', async () => {
  const { rig, path } = await onSmallDisk('storage', '0B')
  const { stored } = await uploadUntilRefused(rig, () => randomBytes(300_000))
  const free = await fill(path, 0)
  for (const size of [100, 50_000, mebibyte]) {
    expect([503, 507]).toContain((await put(rig.caller, 'no room', randomBytes(size))).status)
    refused++
  }
  const { answers } = await tryFile(rig.caller, randomBytes(5000))
  expect([503, 507]).toContain(answers.at(-1)!.status)
  refused++
  await rig.expectReads()
  await expectStored(rig, stored)
  expect(await rig.temporary()).toEqual([])
  await free()
  const late = randomBytes(5000)
  // The free space is believed for a second.
  await expect.poll(async () => (await put(rig.caller, 'late', late)).status, { timeout: 5000 }).toBe(200)
  expect((await tryFile(rig.caller, late)).answers.at(-1)!.status).toBe(201)
  await expectStored(rig, new Map([...stored, ['late', sha256(late)]]))
  await expectSound(rig)
})

it('the index: objects of no bytes need a row all the same', async () => {
  const { rig, path } = await onSmallDisk('storage', '0B')
  const free = await fill(path, 64 * 1024)
  const { status, stored } = await uploadUntilRefused(rig, () => Buffer.alloc(0))
  // 507 where the log found no space; 500 where the log had it and the index did not: the next write applies that.
  expect([500, 507]).toContain(status)
  refused++
  await expect.poll(() => rig.server().log()).toMatch(/disk is full/)
  await rig.expectReads()
  await expectStored(rig, stored)
  await free()
  expect((await put(rig.caller, 'late', Buffer.alloc(0))).status).toBe(200)
  await rig.restart()
  await expectStored(rig, stored)
  await expectSound(rig)
})

it('the catalog: no upload is granted or confirmed, objects are served and stored', async () => {
  const { rig, path } = await onSmallDisk('catalog', '1MiB')
  const free = await fill(path, 0)
  let answers = (await tryFile(rig.caller, randomBytes(100))).answers
  for (let i = 0; i < 200 && answers.at(-1)!.status < 300; i++)
    answers = (await tryFile(rig.caller, randomBytes(100))).answers
  expect(answers.at(-1)!.status).toBe(503)
  refused++
  await expect.poll(() => rig.server().log()).toContain('no space is left for the catalog')
  await rig.expectReads()
  expect((await put(rig.caller, 'beside', randomBytes(100))).status).toBe(200)
  await free()
  expect((await tryFile(rig.caller, randomBytes(100))).answers.at(-1)!.status).toBe(201)
  await expectSound(rig)
})
