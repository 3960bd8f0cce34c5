/** The catalog's data tables, for code that copies a whole catalog. */
import type { Schema } from './schema.ts'

/**
 * Tables with their primary keys. Each table comes after the tables that it refers to. Leases belong to running
 * processes, and link readers expire within a minute, so neither is copied.
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
