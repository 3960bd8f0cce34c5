/** Commands for the catalog's database: status, migration, and copying it to another database. */
import type { Command } from 'commander'
import { isThere } from '../cannot-open.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { interruptible } from './interruptible.ts'
import { plural } from './progress.ts'
import { requireCatalog } from './open-store.ts'
import { printJson, printNote, printResult } from './output.ts'

type CopyOptions = ConfigOptions & { to: string }

type MigrationStatus = Awaited<ReturnType<Catalog['migrationStatus']>>

export function addDb(program: Command, exit: (code: number) => void): void {
  const db = program.command('db').description("the catalog's database (database.url)")
  addConfigOptions(db.command('migrate'))
    .description('apply pending migrations; `serve` also does this at startup')
    .action(migrate)
  addConfigOptions(db.command('status'))
    .description('list migrations; exit code 1 if some are pending or unknown to this version')
    .action(async (options: ConfigOptions) => exit(await status(options)))
  addConfigOptions(db.command('copy'))
    .description('copy the whole catalog into another database; stop all servers first')
    .requiredOption(
      '--to <url>',
      'an empty database: postgres://USER@HOST/DATABASE or sqlite:PATH; PGPASSWORD may hold the password',
    )
    .addHelpText(
      'after',
      '\nThe source is not changed. The copy is complete or nothing is copied. Afterwards set database.url to the new URL and start the server.' +
        '\nExit code 0: copied; 1: failed, nothing changed; 2: wrong usage.',
    )
    .action(async (options: CopyOptions) =>
      exit(await interruptible((signal) => copy(options, signal), { json: options.json })),
    )
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
    if (newer > 0) printNote('This version cannot use the catalog. Start the newer version or restore a backup.')
    else if (pending > 0) printNote('Run `postern db migrate` to apply them. The next server start also applies them.')
  }
  return pending + newer === 0 ? 0 : 1
}

async function copy(options: CopyOptions, signal: AbortSignal): Promise<number> {
  const { url } = openConfig(options).config.database
  const file = fileOf(url)
  if (file !== undefined && !isThere(file)) throw new CliError(`There is no catalog to copy: ${url} does not exist.`, 1)
  if (url === options.to)
    throw new CliError('--to is the database that already contains the catalog. Name another, empty database.', 2)
  const { copyDatabase } = await import('../catalog/copy-database.ts')
  let toldAt = Date.now()
  const progress = (rows: number): void => {
    if (Date.now() - toldAt < 5000) return
    toldAt = Date.now()
    printNote(`${plural(rows, 'row')} copied so far`)
  }
  const copied = await copyDatabase({ from: url, to: options.to, now: new Date(), signal, progress })
  if (options.json) printJson({ ok: true, copied })
  else {
    printResult(`Copied ${plural(copied.files, 'file')} with their uploads, links and webhook events.`)
    printNote(
      'Set database.url (or DATABASE_URL) to the URL from --to, then start the server. The old catalog is unchanged.',
    )
  }
  return 0
}

const fileOf = (url: string): string | undefined => /^sqlite:(?!:memory:$)(.+)$/.exec(url)?.[1]

/** Reading the status must not create a missing database file. */
async function readStatus(options: ConfigOptions, known: readonly string[]): Promise<MigrationStatus> {
  const file = fileOf(openConfig(options).config.database.url)
  if (file !== undefined && !isThere(file)) return known.map((name) => ({ name, appliedAt: null }))
  return withCatalog(options, (catalog) => catalog.migrationStatus())
}

async function withCatalog<T>(options: ConfigOptions, work: (catalog: Catalog) => Promise<T>): Promise<T> {
  const { config } = openConfig(options)
  requireCatalog(config)
  const { createCatalog } = await import('../catalog/create-catalog.ts')
  const catalog = await createCatalog({ url: config.database.url })
  try {
    return await work(catalog)
  } finally {
    await catalog.close()
  }
}
