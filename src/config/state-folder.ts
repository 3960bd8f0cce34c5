/** The folder of secrets.json, keys.json and, by default, the catalog. A store on disk uses it too. */
import type { Config } from './config.ts'

type Stored = { storage: Pick<Config['storage'], 'disk'> }

export const stateFolderSettings = ({ storage }: Stored): Config['storage']['disk'] => storage.disk
export const stateFolder = (config: Stored): string => stateFolderSettings(config).path

/** The setting of the folder. */
export const stateFolderKey = 'storage.disk.path'

/** Settings for a temporary folder. */
export const temporaryStateFolder = (path: string): Record<string, string> => ({
  [stateFolderKey]: path,
  'storage.disk.fsync': 'none',
  'storage.disk.minFree': '16MiB',
})
/** For a store that lives for one test run. */
export const withoutScrub: Readonly<Record<string, null>> = { 'storage.disk.scrubEvery': null }
