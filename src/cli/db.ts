/** The catalog's schema: what it is, and bringing it up to date before a start does. */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { Catalog } from '../catalog/catalog.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { printJson, printNote, printResult } from './output.ts'

type MigrationStatus = Awaited<ReturnType<Catalog['migrationStatus']>>

export function addDb(program: Command, exit: (code: number) => void): void {
  const db = program.command('db').description("the catalog's database (database.url)")
  addConfigOptions(db.command('migrate'))
    .description('bring the tables up to date; `serve` does so too when it starts')
    .action(migrate)
  addConfigOptions(db.command('status'))
    .description('say which migrations have been applied; exit code 1 when some have not, or are not known here')
    .action(async (options: ConfigOptions) => exit(await status(options)))
}

async function migrate(options: ConfigOptions): Promise<void> {
  const { applied } = await withCatalog(options, (catalog) => catalog.migrate())
  if (options.json) printJson({ applied })
  else if (applied.length === 0) printResult('The catalog is up to date.')
  else printResult(`Applied ${applied.join(', ')}.`)
}

async function status(options: ConfigOptions): Promise<number> {
  const { migrations: known } = await import('../catalog/migrations/index.ts')
  const isKnown = (name: string): boolean => Object.hasOwn(known, name)
  const migrations = await readStatus(options, Object.keys(known))
  const pending = migrations.filter(({ appliedAt }) => appliedAt === null).length
  const newer = migrations.filter(({ name }) => !isKnown(name)).length
  if (options.json) {
    printJson({
      upToDate: pending + newer === 0,
      migrations: migrations.map((m) => ({ ...m, known: isKnown(m.name) })),
    })
  } else {
    for (const { name, appliedAt } of migrations) {
      const state = appliedAt === null ? 'not applied' : `applied ${appliedAt.toISOString()}`
      printResult(`${name}  ${state}${isKnown(name) ? '' : ', by a newer version of Postern'}`)
    }
    if (newer > 0) printNote('This version cannot use the catalog: start the newer one, or restore a backup.')
    else if (pending > 0) printNote('`postern db migrate` applies what is missing; so does the next start.')
  }
  return pending + newer === 0 ? 0 : 1
}

/** A file that is not there yet is not made by asking. */
async function readStatus(options: ConfigOptions, known: readonly string[]): Promise<MigrationStatus> {
  const file = /^sqlite:(?!:memory:$)(.+)$/.exec(openConfig(options).config.database.url)?.[1]
  if (file !== undefined && !existsSync(file)) return known.map((name) => ({ name, appliedAt: null }))
  return withCatalog(options, (catalog) => catalog.migrationStatus())
}

async function withCatalog<T>(options: ConfigOptions, work: (catalog: Catalog) => Promise<T>): Promise<T> {
  const { config } = openConfig(options)
  const { createCatalog } = await import('../catalog/create-catalog.ts')
  const catalog = await createCatalog({ url: config.database.url })
  try {
    return await work(catalog)
  } finally {
    await catalog.close()
  }
}
