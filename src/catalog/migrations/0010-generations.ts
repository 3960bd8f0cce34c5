/** The generation of catalog and store. Startup refuses an older copy of one of them. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const generations: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const add = (name: string) =>
      db.schema.alterTable('stores').addColumn(name, 'bigint', (c) => c.notNull().defaultTo(0))
    await add('generation').execute()
    await add('announced').execute()
    await db.schema.alterTable('stores').addColumn('mark', 'text').execute()
    await db.schema.alterTable('stores').addColumn('announced_mark', 'text').execute()
  },
}
