/**
 * After every operation of the driver suite, an index that is rebuilt from the log equals the live one. A method that
 * bypasses the log fails here.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readLog } from '../../src/drivers/disk/change-log/read-log.ts'
import { StateWriter } from '../../src/drivers/disk/change-log/states.ts'
import { openIndex } from '../../src/drivers/disk/open-index.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { driverSuite } from '../conformance/driver-suite.ts'
import { diskFixture } from './disk-fixture.ts'
import { dumpIndex } from './store-log.ts'

const compared = new Set<string>()
/** Reading and presigning change nothing. */
const changing = /^(put|copy|delete|seal|set|create|upload|complete|abort|note)/

/** Follows the log of a store into an index of its own. */
function follow(dir: string): { compare: () => void; close: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'postern-follower-'))
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'index.sqlite')
  const db = openIndex(file)
  const writer = new StateWriter(db)
  let applied = 0
  return {
    compare() {
      readLog(dir, (states, { header }) => {
        if (header.sequence <= applied) return
        applied = header.sequence
        db.transaction(() => writer.apply(states, 0))()
      })
      assert.deepEqual(dumpIndex(file), dumpIndex(join(dir, 'index.sqlite')))
    },
    close() {
      db.close()
      rmSync(folder, { recursive: true })
    },
  }
}

function comparing(driver: StorageDriver, compare: () => void): StorageDriver {
  return new Proxy(driver, {
    get(target, name: string) {
      const member = target[name as keyof StorageDriver] as unknown
      if (typeof member !== 'function' || !changing.test(name)) return member
      return async (...args: unknown[]) => {
        const outcome = await Promise.allSettled([(member as (...given: unknown[]) => unknown).apply(target, args)])
        compared.add(name)
        compare()
        const [settled] = outcome
        if (settled.status === 'rejected') throw settled.reason
        return settled.value
      }
    },
  })
}

driverSuite(
  'disk, its log compared after each operation',
  async () => {
    const fixture = await diskFixture({ grace: 0, fsync: 'none' })
    const follower = follow(fixture.dir)
    return {
      driver: comparing(fixture.driver, follower.compare),
      bucket: fixture.bucket,
      async close() {
        follower.close()
        await fixture.close()
      },
    }
  },
  { knownDifferences: new Set(['unserved-urls']) },
)

it('is equal after operations of every kind', () => {
  expect([...compared]).toEqual(
    expect.arrayContaining([
      'putObject',
      'copyObject',
      'deleteObject',
      'sealObject',
      'uploadPart',
      'completeMultipartUpload',
      'setBucketAcl',
    ]),
  )
})
