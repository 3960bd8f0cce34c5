/** Counted, revocable links to files. */
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const links: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('links')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('file_id', 'text', (c) => c.notNull().references('files.id').onDelete('cascade'))
      .addColumn('token_hash', 'text', (c) => c.notNull().unique())
      .addColumn('expires_at', 'bigint')
      .addColumn('max_uses', 'bigint')
      .addColumn('uses', 'bigint', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addCheckConstraint('links_are_not_overdrawn', sql`uses >= 0 and (max_uses is null or uses <= max_uses)`)
      .execute()
    await db.schema.createIndex('links_by_file').on('links').column('file_id').execute()
    await db.schema
      .createIndex('links_expiring')
      .on('links')
      .column('expires_at')
      .where(sql<boolean>`expires_at is not null`)
      .execute()
  },
}
