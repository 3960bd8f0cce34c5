/** Leases for work that one process does at a time, and for the running instances. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const leases: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('leases')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('holder', 'text', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addColumn('note', 'text')
      .execute()
  },
}
