/** Migrates the schema in one transaction. One process at a time migrates. */
import type { Kysely, Transaction } from 'kysely'
import { DEFAULT_MIGRATION_TABLE, Migrator } from 'kysely/migration'
import { StorageError } from '../errors.ts'
import { migrations } from './migrations/index.ts'
import type { Schema } from './schema.ts'
import type { MigrationRules } from './database.ts'

type MigrationTable = { [DEFAULT_MIGRATION_TABLE]: { name: string; timestamp: string } }

/**
 * Errors: Unavailable if a newer program created the schema, which stays unchanged then.
 * If two processes start together, one waits for the other's transaction and then has nothing to do.
 */
export async function migrate(db: Kysely<Schema>, rules: MigrationRules): Promise<{ applied: string[] }> {
  const done = await appliedMigrations(db, rules)
  refuseNewer(done)
  if (done.size === Object.keys(migrations).length) return { applied: [] }
  return db.transaction().execute(async (tx: Transaction<Schema>) => {
    await rules.hold(tx)
    refuseNewer(await appliedMigrations(tx, rules))
    const schema = await rules.schema(tx)
    const migrator = new Migrator({
      ...(schema !== undefined && { migrationTableSchema: schema }),
      db: rules.plugins.reduce((on, plugin) => on.withPlugin(plugin), tx),
      provider: { getMigrations: async () => ({ ...migrations }) },
    })
    const { error, results } = await migrator.migrateToLatest()
    if (error !== undefined) throw error
    return { applied: (results ?? []).map((result) => result.migrationName) }
  })
}

export async function migrationStatus(
  db: Kysely<Schema>,
  rules: MigrationRules,
): Promise<{ name: string; appliedAt: Date | null }[]> {
  const done = await appliedMigrations(db, rules)
  const names = new Set([...Object.keys(migrations), ...done.keys()])
  return [...names].toSorted().map((name) => ({ name, appliedAt: done.get(name) ?? null }))
}

async function appliedMigrations(db: Kysely<Schema>, rules: MigrationRules): Promise<Map<string, Date>> {
  if (!(await rules.hasTable(db, DEFAULT_MIGRATION_TABLE))) return new Map()
  const rows = await db
    .withTables<MigrationTable>()
    .selectFrom(DEFAULT_MIGRATION_TABLE)
    .select(['name', 'timestamp'])
    .execute()
  return new Map(rows.map((row) => [row.name, new Date(row.timestamp)]))
}

function refuseNewer(done: Map<string, Date>): void {
  const unknown = [...done.keys()].filter((name) => !Object.hasOwn(migrations, name))
  if (unknown.length === 0) return
  throw new StorageError('Unavailable', {
    message:
      `a newer version of this program wrote the catalog (it has the migrations ${unknown.join(', ')}). ` +
      'Start that version or a later one, or restore a backup from before the update',
  })
}
