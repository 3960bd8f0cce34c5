/**
 * The file system of the store is shut down at a random moment, as in a power cut. After it is mounted again, all
 * acknowledged data must exist. Without fsync the same run must lose data, which proves that the test can detect a
 * loss.
 */
import { expect, inject, it } from 'vitest'
import { noteFigures } from './figures.ts'
import { seededRandom } from './seeded-random.ts'
import { makeMount } from './mounts.ts'
import { findLosses, liveAndCut, lossesAmong, settle, uploaders, withCutHarness } from './power-cuts.ts'

const cuts = process.env['CI'] === 'true' ? 20 : 50
/** After so many the next begin on a file system that is new: what a first start makes must last too. */
const cutsPerMount = 10

const newMount = () => makeMount({ kind: 'ext4', size: '2G' })

it(`keeps what it acknowledged through ${cuts} power cuts`, async () => {
  const random = seededRandom(inject('seed')).split('power cuts')
  const total = { acknowledged: 0, checked: 0, interrupted: 0 }
  for (let done = 0; done < cuts; done += cutsPerMount) {
    await withCutHarness(
      { mount: await newMount(), random: random.split(`mount ${done}`), fsync: 'full' },
      async (harness) => {
        for (let i = 0; i < cutsPerMount; i++) {
          total.checked += await liveAndCut(harness, random, { isFirst: i === 0, changes: random.int(0, 60) })
        }
        total.checked += await settle(harness)
        total.acknowledged += harness.workload.acknowledged.acknowledged
        total.interrupted += harness.workload.client.interrupted
      },
    )
  }
  expect(total.acknowledged).toBeGreaterThan(0)
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
  const random = seededRandom(inject('seed')).split('without fsync')
  const lost = await withCutHarness(
    { mount: await newMount(), random: random.split('mount'), fsync: 'none' },
    (harness) => findLosses(harness, random),
  )
  expect(lossesAmong(lost)).not.toEqual([])
  noteFigures('power-cuts-without-fsync', { 'power cuts': 1, 'lost or wrong': lost.length })
}, 60_000)
