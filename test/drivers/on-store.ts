/** The S3 driver with its own bucket in a real store. */
import { afterAll, beforeAll } from 'vitest'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { createTestBucket, startDriver, type TestBucket } from '../fixtures/s3-store.ts'

/** Both of the test file that called `useTestBucket`, from its first test on. */
export let store: TestBucket
export let driver: StorageDriver

export function useTestBucket(): void {
  beforeAll(async () => {
    store = await createTestBucket()
    driver = await startDriver(store)
  })
  afterAll(async () => {
    await driver?.close()
    await store?.remove()
  })
}
