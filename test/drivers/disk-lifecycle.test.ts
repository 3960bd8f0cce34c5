/** Lifecycle passes over many rows, next to other work of the same process. */
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { LifecycleRule } from '../../src/drivers/lifecycle.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { bodyOf } from '../conformance/driver/body.ts'
import { codeOf } from '../conformance/driver/suite-tools.ts'
import { startDisk } from './start-disk.ts'
import type { DiskFixture } from './disk-fixture.ts'

const bucket = 'aging'
const day = 86_400_000
const rule = (o: Partial<LifecycleRule>): LifecycleRule => ({
  id: 'r',
  isEnabled: true,
  filter: {},
  form: 'filter',
  ...o,
})
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${i}`)

/** A bucket with versions. `ahead`: days by which the clock of the store is ahead. */
async function start(): Promise<DiskFixture & { clock: { ahead: number } }> {
  const clock = { ahead: 0 }
  const now = (): Date => new Date(Date.now() + clock.ahead * day)
  const fixture = await startDisk({ grace: 0, fsync: 'none', now })
  await fixture.driver.createBucket(bucket, { owner: 'alice' })
  await fixture.driver.configureBucket(bucket, { versioning: 'Enabled' })
  return { ...fixture, clock }
}

const rows = async (driver: StorageDriver): Promise<number> =>
  (await driver.usageOfOwners!()).find(({ owner }) => owner === 'alice')!.objects

async function mark(driver: StorageDriver, keys: string[]): Promise<void> {
  for (let i = 0; i < keys.length; i += 1000) await driver.deleteObjects(bucket, keys.slice(i, i + 1000))
}

/** Runs until the pass has deleted some rows. The pass is not awaited. */
async function begun(driver: StorageDriver): Promise<{ pass: Promise<void> }> {
  const before = await rows(driver)
  const pass = driver.runLifecycle!()
  while ((await rows(driver)) === before) await turn()
  return { pass }
}

describe('a lifecycle pass', () => {
  it('gives other work its turn while no row is due', async () => {
    const { driver } = await start()
    await mark(driver, names(3000))
    const rules = names(30).map((id) => rule({ id, expiration: { days: 9 }, noncurrent: { days: 9 } }))
    await driver.configureBucket(bucket, { lifecycle: rules })
    const pass = { isRunning: true, turns: 0 }
    const done = driver.runLifecycle!().finally(() => (pass.isRunning = false))
    while (pass.isRunning) {
      await turn()
      pass.turns++
    }
    await done
    expect(pass.turns).toBeGreaterThan(3000 / 200)
    expect(await rows(driver)).toBe(3000)
  })

  it('deletes at most 200 rows in one transaction', async () => {
    const { driver, clock } = await start()
    for (let i = 0; i < 900; i++) await driver.deleteObject({ bucket, key: 'one' })
    await driver.configureBucket(bucket, { lifecycle: [rule({ noncurrent: { days: 1 } })] })
    clock.ahead = 3
    const seen = [await rows(driver)]
    const { pass } = await begun(driver)
    const running = { value: true }
    void pass.finally(() => (running.value = false))
    while (running.value) {
      const now = await rows(driver)
      if (now !== seen.at(-1)) seen.push(now)
      await turn()
    }
    await pass
    seen.push(await rows(driver))
    expect(seen.at(-1)).toBe(1)
    for (const [i, count] of seen.slice(1).entries()) expect(seen[i]! - count).toBeLessThanOrEqual(200)
  })

  it('stops when the store is closed', async () => {
    const { driver, clock, again } = await start()
    await mark(driver, names(3000))
    await driver.configureBucket(bucket, { lifecycle: [rule({ expiration: { deleteMarker: true } })] })
    clock.ahead = 3
    const { pass } = await begun(driver)
    await driver.close()
    await pass
    expect(await rows(await again())).toBeGreaterThan(1000)
  })

  it('stops when the rules are deleted', async () => {
    const { driver } = await start()
    await mark(driver, names(3000))
    await driver.configureBucket(bucket, { lifecycle: [rule({ expiration: { deleteMarker: true } })] })
    const { pass } = await begun(driver)
    await driver.configureBucket(bucket, { lifecycle: null })
    const left = await rows(driver)
    await pass
    expect(left).toBeGreaterThan(1000)
    expect(await rows(driver)).toBe(left)
  })

  it('evaluates every rule whose prefix matches', async () => {
    const { driver, clock } = await start()
    const keys = ['a', 'ab/1', 'ab/c/1', 'b', '\u{1F600}/1', '\u{FF5E}/1']
    await mark(driver, keys)
    const expiring = (prefix: string, days: number): LifecycleRule =>
      rule({ id: `${prefix} ${days}`, filter: { prefix }, expiration: { days } })
    await driver.configureBucket(bucket, {
      lifecycle: [expiring('ab/', 9), expiring('ab/c/', 1), expiring('ab/c', 9), expiring('\u{1F600}', 1)],
    })
    clock.ahead = 4
    await driver.runLifecycle!()
    const { versions } = await driver.listObjectVersions({ bucket })
    expect(versions.map(({ key }) => key)).toEqual(['a', 'ab/1', 'b', '\u{FF5E}/1'])
  })

  it('expires no delete marker by a rule with a tag or a size', async () => {
    const { driver, clock } = await start()
    await mark(driver, ['a', 'a', 'b'])
    const both = { expiration: { days: 1 }, noncurrent: { days: 1 } }
    await driver.configureBucket(bucket, {
      lifecycle: [
        rule({ id: 'tag', filter: { tags: { k: 'v' } }, ...both }),
        rule({ id: 'above', filter: { sizeAbove: 1 }, ...both }),
        rule({ id: 'below', filter: { sizeBelow: 100 }, ...both }),
      ],
    })
    clock.ahead = 4
    await driver.runLifecycle!()
    expect(await rows(driver)).toBe(3)
  })
})

describe("the gateway's own bucket", () => {
  it.each([
    ['lifecycle rules', { lifecycle: [rule({ expiration: { days: 1 } })] }],
    ['versioning', { versioning: 'Suspended' }],
    ['versioning and object lock', { versioning: 'Enabled', objectLock: {} }],
  ] as const)('cannot be a bucket with %s', async (found, configuration) => {
    const { driver, again } = await startDisk()
    await driver.createBucket('mine', { owner: 'alice', configuration: structuredClone(configuration) as object })
    await expect(again({ bucket: 'mine' })).rejects.toMatchObject({
      code: 'Unavailable',
      message:
        `The bucket mine of storage.bucket has ${found}, which the gateway's own bucket cannot have: ` +
        'name another bucket in storage.bucket, or remove the setting while another bucket is configured.',
    })
  })

  it('is left out of lifecycle passes', async () => {
    const clock = { ahead: 0 }
    const { driver } = await startDisk({ now: () => new Date(Date.now() + clock.ahead * day) })
    await driver.putObject({ bucket: 'postern', key: 'a' }, bodyOf('kept'))
    await driver.configureBucket('postern', { lifecycle: [rule({ expiration: { days: 1 } })] })
    clock.ahead = 4
    await driver.runLifecycle!()
    expect(await codeOf(driver.headObject({ bucket: 'postern', key: 'a' }))).toBe('ok')
  })
})
