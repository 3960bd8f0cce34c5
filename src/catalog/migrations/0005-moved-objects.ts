/** Objects that no file refers to yet, or any more, because its bytes move between stores. */
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const movedObjects: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('moved_objects')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('file_id', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('store', 'text', (c) => c.notNull())
      .addColumn('object_bucket', 'text', (c) => c.notNull())
      .addColumn('object_key', 'text', (c) => c.notNull())
      .addColumn('object_version_id', 'text')
      .addColumn('removable_at', 'bigint')
      .addColumn('removing', 'integer', (c) => c.notNull().defaultTo(0))
      .addCheckConstraint('moved_objects_have_a_kind', sql`kind in ('copy', 'left')`)
      .execute()
    await db.schema.createIndex('moved_objects_by_file').on('moved_objects').column('file_id').execute()
    await db.schema.createIndex('moved_objects_due').on('moved_objects').column('removable_at').execute()
    await db.schema.createIndex('files_by_store').on('files').columns(['store', 'status', 'id']).execute()
  },
}
