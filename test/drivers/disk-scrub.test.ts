/** The background check of stored bytes finds damage, reports it once per pass, and continues after a restart. */
import { existsSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { expect, it, vi } from 'vitest'
import type { DiskLog } from '../../src/drivers/disk/log.ts'
import { bytesOf } from '../conformance/driver/suite-tools.ts'
import { blobFilesOf, flipBit } from '../fixtures/damage.ts'
import { put, ref, startDisk } from './start-disk.ts'
import { limit } from '../fixtures/time-limit.ts'

const serving = { sweepOnStart: true, scrubEvery: 3600, scrubDelay: 0 }

function record(): DiskLog & { errors: object[] } {
  const errors: object[] = []
  return { errors, info() {}, warn() {}, error: (facts) => void errors.push(facts) }
}

it('reports damaged and missing blobs with their objects, and leaves them in place', async () => {
  const { driver, dir, again } = await startDisk()
  await put(driver, 'sound', bytesOf(70_000))
  await put(driver, 'flipped', bytesOf(200_000))
  await put(driver, 'gone')
  const [[damaged], [gone]] = [blobFilesOf(dir, 'flipped'), blobFilesOf(dir, 'gone')] as [[string], [string]]
  await unlink(gone)
  await flipBit(damaged, -1)

  const log = record()
  const server = await again({ ...serving, log })
  await vi.waitFor(() => expect(server.scrubStatus?.()?.passes).toBe(1), { timeout: limit(10_000) })
  expect(server.scrubStatus?.()).toMatchObject({ damagedBlobs: 2, blobs: 3 })
  expect(log.errors).toHaveLength(2)
  expect(log.errors).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ blob: basename(damaged), found: 'damaged', usedBy: [ref('flipped')] }),
      expect.objectContaining({ blob: basename(gone), found: 'missing', usedBy: [ref('gone')] }),
    ]),
  )
  expect(existsSync(damaged)).toBe(true)

  // After a restart the count is there at once, and a pass that came to its end is not begun again.
  await server.close()
  const restarted = await again({ ...serving, scrubDelay: 3600 })
  expect(restarted.scrubStatus?.()).toMatchObject({ damagedBlobs: 2, passes: 1, passStartedAt: null })
  expect((await again()).scrubStatus?.()).toBeNull()
})

it('continues where it was stopped, also within a blob', async () => {
  const { driver, dir, again } = await startDisk()
  await put(driver, 'large', bytesOf(8 << 20))
  // At 256 KiB a second this blob takes 32 s: the first server is stopped long before.
  const first = await again(serving)
  await vi.waitFor(() => expect(first.scrubStatus?.()?.bytes).toBeGreaterThan(0))
  await first.close()
  const read = 1 << 20
  const [blob] = blobFilesOf(dir, 'large')
  // What was read is not read again in this pass, so that this damage waits for the next one.
  await flipBit(blob!, 5)
  const second = await again(serving)
  await vi.waitFor(() => expect(second.scrubStatus?.()?.bytes).toBe(2 * read))
  expect(second.scrubStatus?.()).toMatchObject({ damagedBlobs: 0, blobs: 0 })
})
