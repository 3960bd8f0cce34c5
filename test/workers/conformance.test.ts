/**
 * The driver's obligations with two processes behind one port: the s3 driver sends its requests over many connections,
 * so that what one process wrote is read, sealed, listed and removed by the other.
 */
import { afterAll, expect, it, vi } from 'vitest'
import { driverSuite } from '../conformance/driver-suite.ts'
import { knownDifferences, openOn, owner } from '../conformance/own-endpoint.ts'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'
import { limit } from '../fixtures/time-limit.ts'

let running: RunningCommand | undefined
afterAll(() => running?.close())

driverSuite(
  's3 on two workers of the own objects endpoint',
  async () => {
    running = await startCommand({ server: { workers: 2 }, keys: [owner] })
    const { driver, bucket } = await openOn(running.objectsUrl)
    return { driver, bucket, close: () => driver.close() }
  },
  { knownDifferences },
)

it('was served by both', async () => {
  await vi.waitFor(() => expect(running?.workers().toSorted()).toEqual([0, 1]), { timeout: limit(10_000) })
})
