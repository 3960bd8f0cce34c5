/** Events of files, and their deliveries to subscribers. */
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const webhooks: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('webhook_events')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('data', 'text', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('webhook_events_by_time').on('webhook_events').columns(['created_at', 'id']).execute()

    await db.schema
      .createTable('webhook_deliveries')
      .addColumn('event_id', 'text', (c) => c.notNull().references('webhook_events.id').onDelete('cascade'))
      .addColumn('url', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('tries', 'integer', (c) => c.notNull())
      .addColumn('next_at', 'bigint')
      .addColumn('attempts', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('webhook_deliveries_key', ['event_id', 'url'])
      .execute()
    await db.schema
      .createIndex('webhook_deliveries_due')
      .on('webhook_deliveries')
      .columns(['url', 'next_at', 'event_id'])
      .where(sql<boolean>`state = 'pending'`)
      .execute()

    await db.schema
      .createTable('webhooks_off')
      .addColumn('url', 'text', (c) => c.primaryKey())
      .addColumn('since', 'bigint', (c) => c.notNull())
      .execute()
  },
}
