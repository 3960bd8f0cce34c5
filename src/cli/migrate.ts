import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Catalog, StoreCount } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import type { Migrated } from '../migrate/migrate-files.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, durationArgument, openConfig, sizeArgument, type ConfigOptions } from './config-options.ts'
import { interruptible } from './interruptible.ts'
import { openCatalog, openDriver, openOthers } from './open-store.ts'
import { printJson, printNote, printResult } from './output.ts'
import { plural, showBytes, startProgress } from './progress.ts'
import { registrations } from '../drivers/registry.ts'

type MigrateOptions = ConfigOptions & {
  to: string
  dryRun?: boolean
  concurrency: number
  rate?: number
  grace: number
  endPublicUrls?: boolean
}

const week = 7 * 86_400

export function addMigrate(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('migrate'))
    .description('move all files from the other store to the current one, while the server runs')
    .addOption(
      new Option('--to <driver>', 'the current store')
        .choices(registrations().map(({ name }) => name))
        .makeOptionMandatory(),
    )
    .option('--dry-run', 'report what would be moved, without changing anything')
    .option('--concurrency <n>', 'files at a time', countArgument, 4)
    .option('--rate <size>', 'limit in bytes per second, e.g. 20MiB', rateArgument)
    .option(
      '--grace <duration>',
      'how long an object stays in the old store for URLs still in use',
      durationArgument,
      week,
    )
    .option('--end-public-urls', 'also end public URLs at the old store; /public/… of the API keeps working')
    .addHelpText(
      'after',
      '\nFirst set storage.driver to the new store and restart the server, which then serves files from both. The command can be' +
        '\ninterrupted and run again. Exit code 0: all files moved; 1: some failed; 2: wrong usage. See docs/migrate.md.',
    )
    .action(async (options: MigrateOptions) =>
      exit(await interruptible((signal) => migrate(options, signal), { json: options.json })),
    )
}

function countArgument(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number from 1 to 99.')
}

function rateArgument(text: string): number {
  const bytes = sizeArgument(text)
  if (bytes < 1) throw new InvalidArgumentError('Write a size such as 20MiB.')
  return bytes
}

async function migrate(options: MigrateOptions, signal: AbortSignal): Promise<number> {
  const loaded = openConfig(options)
  const { config } = loaded
  const { driver } = config.storage
  if (driver !== options.to) {
    throw new CliError(
      `storage.driver is ${driver}, so new uploads go there. Set storage: { driver: ${options.to} }, restart the server, then run this again.`,
      2,
    )
  }
  if (config.storage.delivery === 'proxied') {
    throw new CliError(
      'Migration needs direct delivery, because only then the server can serve both stores. Set storage: { delivery: direct } and restart it.',
      2,
    )
  }
  const catalog = await openCatalog(config)
  try {
    const from = await sourceFor(catalog, driver)
    const waiting = await catalog.countIn(from)
    const others = await openOthers(loaded, catalog)
    const other = others.find(({ name }) => name === from)
    try {
      const end = () => endPublicUrls(options, catalog, from)
      if (waiting.files === 0)
        return printOutcome(options, { from, waiting, left: waiting, moved: nothing, ended: await end() })
      if (!other)
        throw new CliError(
          `The ${from} store has ${plural(waiting.files, 'file')}, but storage.${from} is not configured. Add its settings.`,
          2,
        )
      await other.checkReady().catch(onlyIfWritable)
      if (options.dryRun) return printOutcome(options, { from, waiting, left: waiting, moved: nothing, ended: 0 })
      const moved = await run(options, { config, catalog, other, waiting, signal })
      return printOutcome(options, { from, waiting, left: await catalog.countIn(from), moved, ended: await end() })
    } finally {
      await Promise.all(others.map((store) => store.close()))
    }
  } finally {
    await catalog.close()
  }
}

/** One run moves the files of one store: the first in which the catalog has any. */
async function sourceFor(catalog: Catalog, to: string): Promise<string> {
  const names = registrations()
    .map(({ name }) => name)
    .filter((name) => name !== to)
  for (const name of names) {
    const { files, pending, unneeded } = await catalog.countIn(name)
    if (files + pending + unneeded > 0) return name
  }
  return names[0]!
}

/** Schedules the deletion of public objects that an earlier run left in the old store. Resolves to their number. */
async function endPublicUrls(o: MigrateOptions, catalog: Catalog, from: string): Promise<number> {
  if (!o.endPublicUrls || o.dryRun) return 0
  return catalog.endLeft(from, new Date(Date.now() + o.grace * 1000))
}

/** The old store is only read, so it may be full. */
function onlyIfWritable(error: unknown): void {
  if ((error as { code?: string }).code !== 'InsufficientStorage') throw error
}

type Both = { config: Config; catalog: Catalog; other: StorageDriver; waiting: StoreCount; signal: AbortSignal }

async function run(o: MigrateOptions, { config, catalog, other, waiting, signal }: Both): Promise<Migrated> {
  const [{ migrateFiles }, { createPace }, { withLease }, { createLogger }] = await Promise.all([
    import('../migrate/migrate-files.ts'),
    import('../migrate/pace.ts'),
    import('./migrate-lease.ts'),
    import('../http/logger.ts'),
  ])
  const driver = await openDriver(config, catalog)
  const progress = startProgress('Moving', showBytes)
  progress.total(waiting.bytes)
  try {
    await driver.checkReady()
    return await withLease(catalog, () =>
      migrateFiles({
        from: other,
        to: driver,
        catalog,
        bucket: config.storage.bucket,
        partSize: config.uploads.partSize,
        concurrency: o.concurrency,
        grace: o.grace,
        endPublicUrls: o.endPublicUrls ?? false,
        pace: createPace(o.rate ?? null),
        onBytes: (bytes) => progress.add(bytes),
        now: () => new Date(),
        log: createLogger({ ...config.log, level: 'warn' }),
        signal,
      }),
    )
  } finally {
    progress.end()
    await driver.close()
  }
}

/** `ended`: public objects of earlier runs whose URLs at the old store stop working now. */
type Outcome = { from: string; waiting: StoreCount; left: StoreCount; moved: Migrated; ended: number }

const nothing: Migrated = { files: 0, bytes: 0, gone: 0, failed: [], stopped: false }

function printOutcome(
  { json, dryRun = false, to }: MigrateOptions,
  { from, waiting, left, moved, ended }: Outcome,
): number {
  const ok = moved.failed.length === 0 && !moved.stopped
  if (json) printJson({ ok, to, dryRun, waiting, moved, left, ended })
  else {
    for (const { id, owner, key, error } of moved.failed) printNote(`failed ${id} of ${owner}, ${key}: ${error}`)
    printResult(inWords({ from, to, dryRun, waiting, left, moved, ended }))
  }
  return ok ? 0 : 1
}

function inWords(o: Outcome & { to: string; dryRun: boolean }): string {
  const { from, waiting, left, moved } = o
  if (o.dryRun)
    return `Would move ${plural(waiting.files, 'file')} (${showBytes(waiting.bytes)}) from ${from} to ${o.to}.`
  const lines = [
    `Moved ${plural(moved.files, 'file')} (${showBytes(moved.bytes)}) to ${o.to}, ${moved.failed.length} failed.`,
  ]
  if (moved.stopped)
    lines.push('Stopped after many consecutive failures. Run postern doctor to check the stores, then run this again.')
  if (left.files > 0) lines.push(`Still in the ${from} store: ${plural(left.files, 'file')}.`)
  if (left.pending > 0) {
    lines.push(`Not confirmed yet: ${plural(left.pending, 'upload')} to the ${from} store. Run this again later.`)
  }
  if (left.unneeded > 0) {
    lines.push(
      `Kept in the ${from} store, because URLs are still in use: ${plural(left.unneeded, 'object')}. The server deletes them when the URLs expire.` +
        ' Public URLs last until the file is deleted, or until you run this with --end-public-urls.',
    )
  }
  if (o.ended > 0) lines.push(`The public URLs of ${plural(o.ended, 'object')} in the old store do not work any more.`)
  return lines.join('\n')
}
