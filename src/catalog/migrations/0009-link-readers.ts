/** Readers who used a link within the last minute, so that a player's requests for one film count once. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const linkReaders: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('link_readers')
      .addColumn('link_id', 'text', (c) => c.notNull().references('links.id').onDelete('cascade'))
      .addColumn('reader', 'text', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('link_readers_once', ['link_id', 'reader'])
      .execute()
  },
}
