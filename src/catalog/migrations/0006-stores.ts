/** The store that contains the files. Startup refuses a catalog and a store that do not belong together. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const stores: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('stores')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('store_id', 'text', (c) => c.notNull())
      .execute()
  },
}
