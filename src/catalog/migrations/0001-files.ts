/** Files, the grants to upload them, and the usage of each owner. */
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const files: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('files')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('owner', 'text', (c) => c.notNull())
      .addColumn('store', 'text', (c) => c.notNull())
      .addColumn('key', 'text', (c) => c.notNull().unique())
      .addColumn('object_bucket', 'text', (c) => c.notNull())
      .addColumn('object_key', 'text', (c) => c.notNull())
      .addColumn('object_version_id', 'text')
      .addColumn('object_etag', 'text')
      .addColumn('filename', 'text', (c) => c.notNull())
      .addColumn('search', 'text', (c) => c.notNull())
      .addColumn('mime_type', 'text', (c) => c.notNull())
      .addColumn('size', 'bigint')
      .addColumn('checksum', 'text')
      .addColumn('visibility', 'text', (c) => c.notNull())
      .addColumn('metadata', 'text', (c) => c.notNull())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('confirmed_at', 'bigint')
      .execute()
    await db.schema.createIndex('files_by_owner').on('files').columns(['owner', 'created_at', 'id']).execute()

    await db.schema
      .createTable('uploads')
      .addColumn('file_id', 'text', (c) => c.primaryKey().references('files.id').onDelete('cascade'))
      .addColumn('grant_owner', 'text', (c) => c.notNull())
      .addColumn('method', 'text', (c) => c.notNull())
      .addColumn('target_bucket', 'text', (c) => c.notNull())
      .addColumn('target_key', 'text', (c) => c.notNull())
      .addColumn('declared_size', 'bigint')
      .addColumn('declared_checksum', 'text')
      .addColumn('write_once', 'integer', (c) => c.notNull())
      .addColumn('auto_confirm', 'integer', (c) => c.notNull())
      .addColumn('reserved_bytes', 'bigint', (c) => c.notNull())
      .addColumn('url_expires_at', 'bigint', (c) => c.notNull())
      .addColumn('confirm_by', 'bigint', (c) => c.notNull())
      .addColumn('upload_id', 'text')
      .addColumn('part_size', 'bigint')
      .addColumn('part_count', 'integer')
      .addColumn('settled', 'integer', (c) => c.notNull())
      .execute()
    // Partial indexes, so that a row is in one or two of them. Each index costs one more page to sync per commit.
    const index = (name: string, columns: string[], where: ReturnType<typeof sql<boolean>>) =>
      db.schema.createIndex(name).on('uploads').columns(columns).where(where).execute()
    const isPending = sql<boolean>`settled = 0`
    const isAutoConfirmed = sql<boolean>`settled = 0 and auto_confirm = 1`
    await index('uploads_overdue', ['confirm_by', 'file_id'], isPending)
    await index('uploads_auto_confirm', ['confirm_by', 'file_id'], isAutoConfirmed)
    await index('uploads_auto_confirm_by_owner', ['grant_owner', 'confirm_by', 'file_id'], isAutoConfirmed)
    await index('uploads_removable', ['url_expires_at', 'file_id'], sql<boolean>`settled = 1`)

    await db.schema
      .createTable('usage')
      .addColumn('owner', 'text', (c) => c.primaryKey())
      .addColumn('bytes', 'bigint', (c) => c.notNull())
      .addColumn('files', 'bigint', (c) => c.notNull())
      .addColumn('reserved_bytes', 'bigint', (c) => c.notNull())
      .addColumn('reserved_files', 'bigint', (c) => c.notNull())
      .addCheckConstraint(
        'usage_is_not_negative',
        sql`bytes >= 0 and files >= 0 and reserved_bytes >= 0 and reserved_files >= 0`,
      )
      .execute()
  },
}
