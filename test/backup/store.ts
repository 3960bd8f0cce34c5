/** A store with a catalog, and backups of it within the test's process. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { createBackup, type BackupOptions, type BackupResult } from '../../src/backup/create-backup.ts'
import { openFileOutput } from '../../src/backup/output.ts'
import { restoreBackup, type RestoreResult } from '../../src/backup/restore-backup.ts'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { startDisk } from '../drivers/start-disk.ts'

export type Source = {
  driver: StorageDriver
  dir: string
  file: string
  /** `during` runs once the databases are copied, and before a blob is read. */
  backup(o?: Partial<BackupOptions>, during?: () => Promise<void>): Promise<BackupResult>
}

export async function startSource(): Promise<Source> {
  const { driver, dir } = await startDisk({ grace: 0 })
  const catalog = await createCatalog({ url: `sqlite:${join(dir, 'catalog.sqlite')}` })
  await catalog.migrate()
  await catalog.close()
  const workFolder = emptyFolder()
  const file = join(workFolder, 'backup.tar')
  const backup: Source['backup'] = async (o = {}, during = async () => {}) => {
    const output = await openFileOutput(file)
    let begun: Promise<void> | undefined
    const write = async (bytes: Buffer): Promise<void> => {
      await (begun ??= during())
      await output.write(bytes)
    }
    return createBackup(
      {
        driver: 'disk',
        bucket: 'postern',
        store: dir,
        databases: { 'index.sqlite': join(dir, 'index.sqlite'), 'catalog.sqlite': join(dir, 'catalog.sqlite') },
        secrets: [],
        previous: null,
        workFolder,
        signal: new AbortController().signal,
        ...o,
      },
      { ...output, write },
    )
  }
  return { driver, dir, file, backup }
}

/** Removed at the end of the test. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-backup-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export const restoreTo = (folder: string, ...files: (string | Readable)[]): Promise<RestoreResult> =>
  restoreBackup({
    store: join(folder, 'storage'),
    catalog: join(folder, 'catalog.sqlite'),
    files,
    signal: new AbortController().signal,
  })
