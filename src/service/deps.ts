import type { Logger } from '../log.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { ObjectRef } from '../drivers/driver.ts'
import type { Stores } from './stores/stores.ts'

/** The dependencies of every use case. */
export type ServiceDeps = {
  stores: Stores
  catalog: Catalog
  config: Config
  now: () => Date
  log: Logger
  /** Public base URLs without a trailing slash. Known only once the servers listen. */
  urls: { api: () => string }
  /** Aborts the running writes to a key. Absent if bytes do not pass through this process. */
  endWrites?: (ref: ObjectRef) => Promise<void>
  /** `serve --dev`: a file whose bytes lack the signature of its type is confirmed with a warning. */
  dev?: boolean
}
