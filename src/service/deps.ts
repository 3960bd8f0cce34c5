import type { Logger } from 'pino'
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/schema.ts'
import type { StorageDriver } from '../drivers/driver.ts'

/** What every use case is handed. */
export type ServiceDeps = {
  driver: StorageDriver
  catalog: Catalog
  config: Config
  now: () => Date
  log: Logger
  /** Public base URLs without a trailing slash; known only once the servers listen. */
  urls: { api: () => string }
}
