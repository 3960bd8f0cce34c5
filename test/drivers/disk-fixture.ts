/** A disk driver over a temporary folder. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createDiskDriver, type DiskDriverOptions } from '../../src/drivers/disk/disk-driver.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'

export type DiskFixture = {
  driver: StorageDriver
  bucket: string
  dir: string
  /** Another driver over the same folder; the first is not closed. */
  again(o?: Partial<DiskDriverOptions>): Promise<StorageDriver>
  close(): Promise<void>
}

export const diskOptions = (path: string, o: Partial<DiskDriverOptions> = {}): DiskDriverOptions => ({
  path,
  bucket: 'postern',
  fsync: 'full',
  minFree: 0,
  publicUrl: () => 'http://127.0.0.1:4001',
  region: 'us-east-1',
  credentials: { accessKeyId: 'POSTERNTEST', secretAccessKey: 'a-secret-for-tests-only-0123456789' },
  now: () => new Date(),
  ...o,
})

export async function diskFixture(o: Partial<DiskDriverOptions> = {}): Promise<DiskFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-disk-'))
  const opened: StorageDriver[] = []
  const open = async (more: Partial<DiskDriverOptions> = {}): Promise<StorageDriver> => {
    const driver = await createDiskDriver(diskOptions(dir, { ...o, ...more }))
    opened.push(driver)
    return driver
  }
  return {
    driver: await open(),
    bucket: 'postern',
    dir,
    again: open,
    async close() {
      for (const driver of opened) await driver.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Paths of all blobs; the log is none of them. */
export async function blobFiles(dir: string): Promise<string[]> {
  const entries = await readdir(join(dir, 'objects'), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory() && basename(entry.parentPath) !== 'log')
    .map((entry) => join(entry.parentPath, entry.name))
}

export const tempFiles = (dir: string): Promise<string[]> => readdir(join(dir, 'tmp'))
