/** A disk driver for one test, with a helper to write objects. */
import { onTestFinished } from 'vitest'
import type { DiskDriverOptions } from '../../src/drivers/disk/disk-driver.ts'
import type { ObjectRef, StorageDriver, WrittenObject } from '../../src/drivers/driver.ts'
import { bodyOf } from '../conformance/driver/body.ts'
import { diskFixture, type DiskFixture } from './disk-fixture.ts'

/** Closed at the end of the test. */
export async function startDisk(o?: Partial<DiskDriverOptions>): Promise<DiskFixture> {
  const fixture = await diskFixture(o)
  onTestFinished(() => fixture.close())
  return fixture
}

export const ref = (key: string): ObjectRef => ({ bucket: 'postern', key })
export const put = (driver: StorageDriver, key: string, data: Buffer | string = 'data'): Promise<WrittenObject> =>
  driver.putObject(ref(key), bodyOf(data), { contentLength: Buffer.byteLength(data) })
