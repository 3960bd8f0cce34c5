/** `save` and `load` of whole states: backups, as `postern backup` writes and `postern restore` reads them. */
import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { stateFolder } from '../config/state-folder.ts'

const never = new AbortController().signal

const catalogOf = ({ database }: Config): string => resolve(database.url.replace(/^sqlite:/, ''))

export const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )

/** Next to the running gateway. The secrets stay out: they are new at each start. */
export async function save(file: string, config: Config): Promise<void> {
  const [{ createBackup }, { openFileOutput }] = await Promise.all([
    import('../backup/create-backup.ts'),
    import('../backup/output.ts'),
  ])
  const { storage } = config
  const store = stateFolder({ storage })
  const path = resolve(file)
  await createBackup(
    {
      driver: storage.driver,
      bucket: storage.bucket,
      store,
      databases: { 'index.sqlite': join(store, 'index.sqlite'), 'catalog.sqlite': catalogOf(config) },
      secrets: [],
      previous: null,
      workFolder: dirname(path),
      signal: never,
    },
    await openFileOutput(path),
  )
}

/** Into the empty folder of a gateway that has not been started. */
export async function restoreSaved(file: string, config: Config): Promise<void> {
  const { restoreBackup } = await import('../backup/restore-backup.ts')
  await restoreBackup({
    store: stateFolder(config),
    catalog: catalogOf(config),
    files: [resolve(file)],
    signal: never,
  })
}
