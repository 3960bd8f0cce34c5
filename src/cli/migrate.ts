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
import { showBytes, startProgress } from './progress.ts'
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
    .description('move the bytes of all files from the other store to the one in use, while the server runs')
    .addOption(
      new Option('--to <driver>', 'where to').choices(registrations().map(({ name }) => name)).makeOptionMandatory(),
    )
    .option('--dry-run', 'say what would be moved, and change nothing')
    .option('--concurrency <n>', 'files at a time', countArgument, 4)
    .option('--rate <size>', 'at most so many bytes a second, e.g. 20MiB', rateArgument)
    .option('--grace <duration>', 'how long an object stays in its old store for URLs in use', durationArgument, week)
    .option('--end-public-urls', 'let URLs of public files at the old store end too; /public/… of the API goes on')
    .addHelpText(
      'after',
      '\nSet storage.driver to the new store and restart the server first: it serves files from both. May be interrupted' +
        '\nand run again. Exit code 0: all are moved; 1: some could not be; 2: a mistake in the call. See docs/migrate.md.',
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
      `storage.driver is ${driver}: new uploads go there. Write storage: { driver: ${options.to} }, restart the server, then run this again.`,
      2,
    )
  }
  if (config.storage.delivery === 'proxied') {
    throw new CliError('The server can serve both stores with storage: { delivery: direct } only. Write that first.', 2)
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
        return tell(options, { from, waiting, left: waiting, moved: nothing, ended: await end() })
      if (!other)
        throw new CliError(`${waiting.files} files are in the ${from} store, which storage.${from} does not name.`, 2)
      await other.checkReady().catch(onlyIfWritable)
      if (options.dryRun) return tell(options, { from, waiting, left: waiting, moved: nothing, ended: 0 })
      const moved = await run(options, { config, catalog, other, waiting, signal })
      return tell(options, { from, waiting, left: await catalog.countIn(from), moved, ended: await end() })
    } finally {
      await Promise.all(others.map((store) => store.close()))
    }
  } finally {
    await catalog.close()
  }
}

/** One store for each run: the first in which the catalog still has something. */
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

/** Those of files that were moved without the option. Resolves to the number of objects that will go. */
async function endPublicUrls(o: MigrateOptions, catalog: Catalog, from: string): Promise<number> {
  if (!o.endPublicUrls || o.dryRun) return 0
  return catalog.endLeft(from, new Date(Date.now() + o.grace * 1000))
}

/** The old store is only read: it may be full. */
function onlyIfWritable(error: unknown): void {
  if ((error as { code?: string }).code !== 'InsufficientStorage') throw error
}

type Both = { config: Config; catalog: Catalog; other: StorageDriver; waiting: StoreCount; signal: AbortSignal }

async function run(o: MigrateOptions, { config, catalog, other, waiting, signal }: Both): Promise<Migrated> {
  const [{ migrateFiles }, { createPace }, { inTurn }, { createLogger }] = await Promise.all([
    import('../migrate/migrate-files.ts'),
    import('../migrate/pace.ts'),
    import('./migrate-turn.ts'),
    import('../http/logger.ts'),
  ])
  const driver = await openDriver(config, catalog)
  const progress = startProgress('Moving', showBytes)
  progress.total(waiting.bytes)
  try {
    await driver.checkReady()
    return await inTurn(catalog, () =>
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

/** `ended`: objects of public files moved before, whose URLs at the old store end now too. */
type Outcome = { from: string; waiting: StoreCount; left: StoreCount; moved: Migrated; ended: number }

const nothing: Migrated = { files: 0, bytes: 0, gone: 0, failed: [], stopped: false }

function tell({ json, dryRun = false, to }: MigrateOptions, { from, waiting, left, moved, ended }: Outcome): number {
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
  if (o.dryRun) return `${waiting.files} files (${showBytes(waiting.bytes)}) would be moved from ${from} to ${o.to}.`
  const lines = [`Moved ${moved.files} files (${showBytes(moved.bytes)}) to ${o.to}; ${moved.failed.length} failed.`]
  if (moved.stopped) lines.push('Stopped, since so many failed one after the other: is the store well? Run it again.')
  if (left.files > 0) lines.push(`${left.files} files are still in the ${from} store.`)
  if (left.pending > 0) {
    lines.push(`${left.pending} uploads that were begun in the ${from} store are not confirmed: run this again later.`)
  }
  if (left.unneeded > 0) {
    lines.push(
      `${left.unneeded} objects stay in the ${from} store for URLs that are in use; the server removes them when they have ended.` +
        ' URLs of public files end with the file, or by --end-public-urls.',
    )
  }
  if (o.ended > 0) lines.push(`For ${o.ended} objects of public files the end of their URLs is set now.`)
  return lines.join('\n')
}
