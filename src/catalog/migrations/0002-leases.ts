/** What one process at a time may do, and who is there. */
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
