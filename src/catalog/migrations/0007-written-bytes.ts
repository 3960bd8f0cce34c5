/** Facts of an object that an unconfirmed public upload has written. */
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const writtenBytes: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .alterTable('uploads')
      .addColumn('written_bytes', 'bigint', (c) => c.notNull().defaultTo(0))
      .execute()
    await db.schema.alterTable('uploads').addColumn('written_mark', 'text').execute()
    await db.schema
      .alterTable('uploads')
      .addColumn('written_verified', 'integer', (c) => c.notNull().defaultTo(0))
      .execute()
    await db.schema
      .createIndex('uploads_written')
      .on('uploads')
      .columns(['grant_owner'])
      .where(sql<boolean>`settled = 0 and written_bytes > 0`)
      .execute()
  },
}
