/** The folder of secrets.json, keys.json and, by default, the catalog. It is also that of a store on disk. */
import type { Config } from './config.ts'

type Stored = { storage: Pick<Config['storage'], 'disk'> }

export const stateFolderSettings = ({ storage }: Stored): Config['storage']['disk'] => storage.disk
export const stateFolder = (config: Stored): string => stateFolderSettings(config).path

/** The setting that names it. */
export const stateFolderKey = 'storage.disk.path'

/** Settings of a folder that is thrown away after use. */
export const temporaryStateFolder = (path: string): Record<string, string> => ({
  [stateFolderKey]: path,
  'storage.disk.fsync': 'none',
  'storage.disk.minFree': '16MiB',
})
/** For a store that lives for one test run. */
export const withoutScrub: Readonly<Record<string, null>> = { 'storage.disk.scrubEvery': null }
