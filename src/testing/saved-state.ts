/** `save` and `load` of the whole state, in the format of `postern backup` and `postern restore`. */
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

/** Works while the gateway runs. Leaves out the secrets, which are new at each start. */
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

/** Restores into the empty folder of a gateway that has not been started. */
export async function restoreSaved(file: string, config: Config): Promise<void> {
  const { restoreBackup } = await import('../backup/restore-backup.ts')
  await restoreBackup({
    store: stateFolder(config),
    catalog: catalogOf(config),
    files: [resolve(file)],
    signal: never,
  })
}
