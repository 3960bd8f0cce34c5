/** Facts from the first bytes of a confirmed file, other than its type. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const contentFacts: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('files').addColumn('charset', 'text').execute()
    await db.schema.alterTable('files').addColumn('warning', 'text').execute()
  },
}
