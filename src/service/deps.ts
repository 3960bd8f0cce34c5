import type { Logger } from '../log.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { ObjectRef } from '../drivers/driver.ts'
import type { Stores } from './stores/stores.ts'

/** What every use case is handed. */
export type ServiceDeps = {
  stores: Stores
  catalog: Catalog
  config: Config
  now: () => Date
  log: Logger
  /** Public base URLs without a trailing slash; known only once the servers listen. */
  urls: { api: () => string }
  /** Aborts the writes that are running to a key. Absent where bytes do not pass through this process. */
  endWrites?: (ref: ObjectRef) => Promise<void>
  /** `serve --dev`: a file whose bytes lack the signature of its type is confirmed with a warning. */
  dev?: boolean
}
