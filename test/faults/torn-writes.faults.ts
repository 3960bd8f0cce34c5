/**
 * Power cuts on a disk with a volatile write cache. Of the data that was not flushed, the disk keeps a part, in any
 * order and torn at sector boundaries. All acknowledged data must exist, and every start must succeed without help.
 * Without fsync the same run must lose data, which proves that the test can detect a loss.
 */
import { describe, expect, inject, it } from 'vitest'
import { noteFigures } from './figures.ts'
import { seededRandom } from './seeded-random.ts'
import { cutDuringStart, findLosses, liveAndCut, lossesAmong, settle, uploaders, withCutHarness } from './power-cuts.ts'
import { fileSystems, hasFileSystem, makeCachedMount } from './write-cache/mount.ts'

const isSmoke = process.env['CI'] === 'true'
const cuts = isSmoke ? 4 : 40
/** After so many the next begin on a file system that is new: what a first start makes must last too. */
const cutsPerMount = isSmoke ? 4 : 10

/** A lost upload is never the machine's load, so it is not tried again. */
const once = { retry: 0, timeout: 1_800_000 }

for (const kind of fileSystems) {
  const isKnown = await hasFileSystem(kind)
  if (!isKnown) {
    console.log(`NOT TRIED: torn writes on ${kind}, which this kernel does not have.`)
    noteFigures(`torn-writes-${kind}`, { 'power cuts': 0, 'this kernel has no': kind })
    continue
  }

  describe(`on ${kind}`, () => {
    it(`keeps what it acknowledged through ${cuts} power cuts that tear and reorder writes`, once, async () => {
      const random = seededRandom(inject('seed')).split(`torn writes ${kind}`)
      const total = { acknowledged: 0, checked: 0, interrupted: 0, duringStart: 0 }
      const cacheLosses = { sectors: 0, lost: 0, torn: 0, reordered: 0 }
      for (let done = 0; done < cuts; done += cutsPerMount) {
        const mount = await makeCachedMount({ kind, random: random.split(`cache ${done}`) })
        await withCutHarness({ mount, random: random.split(`mount ${done}`), fsync: 'full' }, async (harness) => {
          for (let i = 0; i < cutsPerMount; i++) {
            if (i > 0 && random.int(1, 6) === 1) {
              await cutDuringStart(harness, random)
              total.duringStart++
            } else total.checked += await liveAndCut(harness, random, { isFirst: i === 0, changes: random.int(0, 60) })
          }
          total.checked += await settle(harness)
          total.acknowledged += harness.workload.acknowledged.acknowledged
          total.interrupted += harness.workload.client.interrupted
        })
        for (const loss of mount.cacheLosses) {
          cacheLosses.sectors += loss.sectors
          cacheLosses.lost += loss.sectorsLost
          cacheLosses.torn += loss.torn
          cacheLosses.reordered += Number(loss.isReordered)
        }
      }
      expect(cacheLosses.lost).toBeGreaterThan(0)
      noteFigures(`torn-writes-${kind}`, {
        'power cuts': cuts,
        'of them during the start': total.duringStart,
        'of them with writes reordered': cacheLosses.reordered,
        uploaders,
        'sectors in the cache': cacheLosses.sectors,
        'sectors lost': cacheLosses.lost,
        'writes torn': cacheLosses.torn,
        'changes acknowledged': total.acknowledged,
        'requests that a cut ended': total.interrupted,
        'objects and files read back': total.checked,
        'lost or wrong': 0,
      })
    })

    it('loses acknowledged uploads in the same run without fsync', async () => {
      const random = seededRandom(inject('seed')).split(`torn writes without fsync ${kind}`)
      const mount = await makeCachedMount({ kind, random: random.split('cache') })
      const lost = await withCutHarness({ mount, random: random.split('mount'), fsync: 'none' }, (harness) =>
        findLosses(harness, random),
      )
      expect(lossesAmong(lost)).not.toEqual([])
      noteFigures(`torn-writes-${kind}-without-fsync`, { 'power cuts': 1, 'lost or wrong': lost.length })
    })

    if (isSmoke && kind !== 'ext4') return
    it('loses acknowledged uploads if only the syncs of the store’s log are dropped', async () => {
      const random = seededRandom(inject('seed')).split(`torn writes without the sync of the log ${kind}`)
      const mount = await makeCachedMount({ kind, random: random.split('cache') })
      const lost = await withCutHarness({ mount, random: random.split('mount'), fsync: 'full' }, (harness) =>
        findLosses(harness, random, { unsynced: 'objects/log' }),
      )
      expect(lossesAmong(lost)).not.toEqual([])
      noteFigures(`torn-writes-${kind}-without-log-sync`, { 'power cuts': 2, 'lost or wrong': lost.length })
    })
  })
}
