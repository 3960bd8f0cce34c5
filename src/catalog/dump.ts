/** Dumps all rows of a catalog into memory and loads them. Used for snapshots of the test kit. */
import { sql, type Kysely } from 'kysely'
import type { Schema } from './schema.ts'
import { catalogTables, type CatalogDump, type CatalogTable } from './tables.ts'

/** Rows per INSERT. Their values must stay below SQLite's limit of 32,766 parameters. */
const page = 500

export function dumpCatalog(db: Kysely<Schema>): Promise<CatalogDump> {
  return db.transaction().execute(async (tx) => {
    const dump = new Map<CatalogTable, readonly Record<string, unknown>[]>()
    for (const name of catalogTables) {
      dump.set(name, (await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(tx)).rows)
    }
    return dump
  })
}

const restored = catalogTables.filter((name) => name !== 'stores')

/** Replaces all rows except those of `stores`, because the store's id and generation must not move backwards. */
export function loadCatalog(db: Kysely<Schema>, dump: CatalogDump): Promise<void> {
  return db.transaction().execute(async (tx) => {
    for (const name of restored.toReversed()) await tx.deleteFrom(name).execute()
    for (const name of restored) {
      const rows = dump.get(name) ?? []
      for (let at = 0; at < rows.length; at += page) {
        await tx
          .insertInto(name)
          .values(rows.slice(at, at + page) as never)
          .execute()
      }
    }
  })
}
