/** The tables of the catalog that hold data, for whoever copies a whole catalog. */
import type { Schema } from './schema.ts'

/**
 * With their primary keys, each after those that it refers to. Leases belong to running processes
 * and link readers expire in a minute: both are left out.
 */
export const primaryKeys = {
  files: ['id'],
  uploads: ['file_id'],
  usage: ['owner'],
  links: ['id'],
  moved_objects: ['id'],
  webhook_events: ['id'],
  webhook_deliveries: ['event_id', 'url'],
  webhooks_off: ['url'],
  stores: ['name'],
} as const satisfies Record<Exclude<keyof Schema, 'leases' | 'link_readers'>, readonly string[]>

export type CatalogTable = keyof typeof primaryKeys
export const catalogTables = Object.keys(primaryKeys) as CatalogTable[]

/** All rows of a catalog in memory. */
export type CatalogDump = ReadonlyMap<CatalogTable, readonly Record<string, unknown>[]>
