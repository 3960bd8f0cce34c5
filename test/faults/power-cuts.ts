/** A server under load on a file system whose power can be cut: what the suites of power cuts have in common. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { makeBucket, startFleet, type Fleet, type Mix } from './fleet.ts'
import { judge } from './judge.ts'
import type { Lot } from './lot.ts'
import type { Mount } from './mounts.ts'
import { makeSite, type Server, type Site } from './site.ts'
import { attach } from './strace.ts'

export const uploaders = 10
const mix: Mix = {
  objects: { small: 12, large: 3, parts: 1, delete: 4, read: 2 },
  files: { small: 10, large: 2, parts: 1, delete: 3, read: 1 },
}

export type CutRig<M extends Mount = Mount> = { mount: M; site: Site; fleet: Fleet }

/** Removes the mount at the end. */
export async function withCutRig<T, M extends Mount>(
  o: { mount: M; lot: Lot; fsync: 'full' | 'none' },
  use: (rig: CutRig<M>) => Promise<T>,
): Promise<T> {
  const { mount, lot, fsync } = o
  try {
    const settings = { storage: { disk: { fsync } } }
    const site = await makeSite({ storage: join(mount.path, 'data/storage'), outside: mount.outside, settings })
    return await use({ mount, site, fleet: await startFleet(site, { uploaders, mix, lot }) })
  } finally {
    await mount.remove()
  }
}

/** One server from its start to the cut. First it is asked for what was acknowledged before. */
export async function liveAndCut(
  { mount, site, fleet }: CutRig,
  lot: Lot,
  o: { isFirst: boolean; changes: number; unsynced?: string },
): Promise<number> {
  const server = site.start()
  try {
    await server.ready
    if (o.isFirst) await makeBucket(site)
    const { checked } = await fleet.verify('changed')
    if (o.unsynced !== undefined) await dropSyncs(site, server, o.unsynced)
    const cut = await mount.preparePowerCut()
    try {
      await fleet.workFor(o.changes)
      await sleep(lot.int(0, 20))
    } finally {
      fleet.gate.isFaulty = true
      await cut()
    }
    fleet.gate.close()
    return checked
  } finally {
    await end(fleet, server)
    await mount.remount()
  }
}

/** From here on the syncs of the files in one folder report success and do nothing. */
async function dropSyncs(site: Site, server: Server, folder: string): Promise<void> {
  const calls = ['fsync', 'fdatasync']
  const files = (await readdir(join(site.storage, folder))).map((name) => join(site.storage, folder, name))
  await attach(server.pid, { calls, to: '/dev/null', inject: { calls, fault: 'NOTHING' }, paths: files })
}

/** The cut comes while the server starts: while it replays its log and recovers its databases. */
export async function cutDuringStart({ mount, site, fleet }: CutRig, lot: Lot): Promise<void> {
  const cut = await mount.preparePowerCut()
  const server = site.start()
  try {
    await Promise.race([sleep(lot.int(100, 1200)), server.exited])
    await cut()
  } finally {
    await end(fleet, server)
    await mount.remount()
  }
}

/** Starts once more, lets every uploader end with what it is at, and checks everything. Resolves to how much that was. */
export async function settle({ site, fleet }: CutRig): Promise<number> {
  const server = site.start()
  let checked = 0
  try {
    await server.ready
    fleet.gate.open()
    await fleet.finish()
    ;({ checked } = await fleet.verify('all'))
    expect(fleet.violations).toEqual([])
    expect(await server.stop()).toBe(0)
  } finally {
    await end(fleet, server)
  }
  expect(await judge(site)).toEqual([])
  return checked
}

/**
 * What is wrong after one cut of a store that does not sync, or does not sync one folder; empty where nothing is.
 * `unsynced` is below `storage`.
 */
export async function findLosses(rig: CutRig, lot: Lot, o: { unsynced?: string } = {}): Promise<string[]> {
  if (o.unsynced !== undefined) await liveAndCut(rig, lot, { isFirst: true, changes: 5 })
  await liveAndCut(rig, lot, { isFirst: o.unsynced === undefined, changes: 60, ...o })
  const server = rig.site.start()
  try {
    // Index and log may have lost so much that they do not belong together any more.
    const refusal = await server.ready.then(
      () => null,
      (error: Error) => error.message,
    )
    if (refusal !== null) return [refusal]
    await rig.fleet.verify('all')
    return rig.fleet.violations
  } finally {
    await end(rig.fleet, server)
  }
}

/** Of the findings, those that say that something was lost. */
export const lossesAmong = (findings: readonly string[]): string[] =>
  findings.filter((what) =>
    /was stored with|is missing|confirmed and not listed|The store is not opened|: (4|5)\d\d /.test(what),
  )

async function end({ gate }: Fleet, server: Server): Promise<void> {
  gate.close()
  await server.kill()
}
