/**
 * Rows 109 to 112 and 116: the file system of the store is shut down at a random moment, as a power cut would, and what
 * was acknowledged must be there when it is mounted again. Without fsync the same run must lose something: else it
 * proves nothing.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, inject, it } from 'vitest'
import { noteFigures } from './figures.ts'
import { makeBucket, startFleet, type Fleet, type Mix } from './fleet.ts'
import { judge } from './judge.ts'
import { drawLot, type Lot } from './lot.ts'
import { makeMount, type Mount } from './mounts.ts'
import { makeSite, type Server, type Site } from './site.ts'

const cuts = process.env['CI'] === 'true' ? 20 : 50
/** After so many the next begin on a file system that is new: what a first start makes must last too. */
const cutsPerMount = 10
const uploaders = 10
const mix: Mix = {
  objects: { small: 12, large: 3, parts: 1, delete: 4, read: 2 },
  files: { small: 10, large: 2, parts: 1, delete: 3, read: 1 },
}

type Rig = { mount: Mount; site: Site; fleet: Fleet }

async function withRig<T>(lot: Lot, fsync: 'full' | 'none', use: (rig: Rig) => Promise<T>): Promise<T> {
  const mount = await makeMount({ kind: 'ext4', size: '2G' })
  try {
    const settings = { storage: { disk: { fsync } } }
    const site = await makeSite({ storage: join(mount.path, 'data/storage'), outside: mount.outside, settings })
    return await use({ mount, site, fleet: await startFleet(site, { uploaders, mix, lot }) })
  } finally {
    await mount.remove()
  }
}

/** One server from its start to the cut. First it is asked for what was acknowledged before. */
async function liveAndCut(
  { mount, site, fleet }: Rig,
  lot: Lot,
  o: { isFirst: boolean; changes: number },
): Promise<number> {
  const server = site.start()
  try {
    await server.ready
    if (o.isFirst) await makeBucket(site)
    const { checked } = await fleet.verify('changed')
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

async function end({ gate }: Fleet, server: Server): Promise<void> {
  gate.close()
  await server.kill()
}

it(`keeps what it acknowledged through ${cuts} power cuts`, async () => {
  const lot = drawLot(inject('seed')).split('power cuts')
  const total = { acknowledged: 0, checked: 0, interrupted: 0 }
  for (let done = 0; done < cuts; done += cutsPerMount) {
    await withRig(lot.split(`mount ${done}`), 'full', async (rig) => {
      for (let i = 0; i < cutsPerMount; i++) {
        total.checked += await liveAndCut(rig, lot, { isFirst: i === 0, changes: lot.int(0, 60) })
      }
      const { site, fleet } = rig
      const server = site.start()
      try {
        await server.ready
        fleet.gate.open()
        await fleet.finish()
        total.checked += (await fleet.verify('all')).checked
        expect(fleet.violations).toEqual([])
        expect(await server.stop()).toBe(0)
      } finally {
        await end(fleet, server)
      }
      expect(await judge(site)).toEqual([])
      total.acknowledged += fleet.ledger.acknowledged
      total.interrupted += fleet.line.interrupted
    })
  }
  noteFigures('power-cuts', {
    'power cuts': cuts,
    'file systems': cuts / cutsPerMount,
    uploaders,
    'changes acknowledged': total.acknowledged,
    'requests that a cut ended': total.interrupted,
    'objects and files read back': total.checked,
    'lost or wrong': 0,
  })
}, 1_800_000)

it('loses acknowledged uploads in the same run without fsync', async () => {
  const lot = drawLot(inject('seed')).split('without fsync')
  const lost = await withRig(lot.split('mount'), 'none', async (rig) => {
    await liveAndCut(rig, lot, { isFirst: true, changes: 60 })
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
  })
  expect(
    lost.filter((what) =>
      /was stored with|is missing|confirmed and not listed|The store is not opened|: (4|5)\d\d /.test(what),
    ),
  ).not.toEqual([])
  noteFigures('power-cuts-without-fsync', { 'power cuts': 1, 'lost or wrong': lost.length })
}, 60_000)
