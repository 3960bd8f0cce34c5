import { InvalidArgumentError, type Command } from 'commander'
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import type { Collected } from '../service/maintenance/collect-expired.ts'
import type { Orphans } from '../service/maintenance/collect-orphans.ts'
import type { Due } from '../service/maintenance/count-due.ts'
import { addConfigOptions, countArgument, durationArgument, openConfig, type ConfigOptions } from './config-options.ts'
import { interruptible } from './interruptible.ts'
import { noStore, openCatalog, openDriver, openOthers } from './open-store.ts'
import { printJson, printNote, printResult } from './output.ts'
import { plural, showBytes } from './progress.ts'
import { folderStore, registrationOf, settingsOf, type FolderTools } from '../drivers/registry.ts'

type GcOptions = ConfigOptions & { dryRun?: boolean; orphans?: boolean; grace: number; yesDelete?: number }

const hour = 3600

export function addGc(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('gc'))
    .description('delete expired uploads now; a running server does this every minute')
    .option('--dry-run', 'report what would be deleted, without changing anything')
    .option(
      '--orphans',
      'delete orphaned objects and multipart uploads below uploads/, public/ and files/; move orphaned blobs to quarantine',
    )
    .option('--grace <duration>', 'the minimum age of orphans; at least 1h', graceArgument, 24 * hour)
    .option(
      '--yes-delete <n>',
      'allow --orphans to delete up to this many, instead of 100 or 1 % of all',
      countArgument,
    )
    .addHelpText(
      'after',
      '\nOrphans are always counted. Two gateways with separate catalogs must not share a bucket and prefix, because each' +
        "\nwould treat the other's files as orphans. Exit code 0: done; 1: some deletions failed; 2: wrong usage.",
    )
    .action(async (options: GcOptions) =>
      exit(await interruptible((signal) => gc(options, signal), { json: options.json })),
    )
}

function graceArgument(text: string): number {
  const seconds = durationArgument(text)
  if (seconds < hour)
    throw new InvalidArgumentError('Write at least 1h. A shorter grace could delete an upload that is being recorded.')
  return seconds
}

/** Must not create an empty store, because everything in the catalog would then count as deleted. */
async function openStore(config: Config, catalog: Catalog): Promise<StorageDriver> {
  const { storage } = config
  const folder = folderStore(storage)
  const registration = registrationOf(storage.driver)
  if (folder && !registration.isConfigured(settingsOf(storage, registration))) {
    throw noStore(folder.path)
  }
  return openDriver(config, catalog)
}

type Blobs = Awaited<ReturnType<FolderTools['setAsideOrphans']>>

type Outcome = {
  dryRun: boolean
  /** Counts before the collection. */
  due: Due
  /** null if not requested, or if a running server holds the lease. */
  collected: Collected | null
  byServer: boolean
  orphans: Orphans
  /** Blobs without an object. null if the store is not a folder. */
  blobs: Blobs | null
}

async function gc(options: GcOptions, signal: AbortSignal): Promise<number> {
  const loaded = openConfig(options)
  const { config } = loaded
  const dryRun = options.dryRun ?? false
  const [{ createStores }, { countDue }, { collectExpired }, { collectOrphans }, { createLease }, { createLogger }] =
    await Promise.all([
      import('../service/stores/stores.ts'),
      import('../service/maintenance/count-due.ts'),
      import('../service/maintenance/collect-expired.ts'),
      import('../service/maintenance/collect-orphans.ts'),
      import('../service/maintenance/lease.ts'),
      import('../http/logger.ts'),
    ])
  const catalog = await openCatalog(config)
  const driver = await openStore(config, catalog).catch(async (error: unknown) => {
    await catalog.close()
    throw error
  })
  const others = await openOthers(loaded, catalog)
  try {
    const now = (): Date => new Date()
    const log = createLogger({ ...config.log, level: 'warn' })
    const deps = {
      stores: createStores(driver, others),
      catalog,
      config,
      now,
      log,
      urls: { api: () => '' },
    }
    const due = await countDue(deps)
    // Only a server knows which uploads are in flight, so a live server keeps the lease.
    const lease = createLease(deps, 'collect', { lasts: 60 })
    const collected = dryRun ? null : await lease.run(() => collectExpired(deps, { signal }))
    await lease.giveUp()
    const remove = !dryRun && (options.orphans ?? false)
    const blobs = await orphanedBlobs(config, { ...options, move: remove, signal })
    const orphans = await collectOrphans({
      ...deps,
      store: driver,
      bucket: config.storage.bucket,
      remove,
      allowed: options.yesDelete ?? 0,
      grace: options.grace,
      signal,
      onOrphan: ({ key, uploadId }) => {
        if (!options.json) printNote(`orphan ${key}${uploadId === undefined ? '' : `, multipart upload ${uploadId}`}`)
      },
    })
    const outcome = { dryRun, due, collected, byServer: !dryRun && collected === null, orphans, blobs }
    const failed = collected?.failed ?? 0
    if (options.json) printJson({ ok: failed === 0, ...outcome })
    else printResult(report(outcome))
    return failed === 0 ? 0 : 1
  } finally {
    await Promise.all([driver, ...others].map((store) => store.close()))
    await catalog.close()
  }
}

async function orphanedBlobs(
  { storage }: Config,
  o: Pick<GcOptions, 'grace' | 'yesDelete'> & { move: boolean; signal: AbortSignal },
): Promise<Blobs | null> {
  const folder = folderStore(storage)
  if (!folder) return null
  const { setAsideOrphans } = await folder.tools()
  return setAsideOrphans({ ...o, path: folder.path, allowed: o.yesDelete ?? 0 })
}

function report({ dryRun, due, collected, byServer, orphans, blobs }: Outcome): string {
  const idle = due.idle === 0 ? '' : `, ${plural(due.idle, 'multipart upload')} of access keys to abort`
  const lines = [
    `Due: ${plural(due.overdue, 'unconfirmed upload')}, ${plural(due.toClear, 'upload')} to clean up${idle}.`,
  ]
  if (collected) {
    const { confirmed, expired, cleared, aborted, failed } = collected
    const multipart = aborted === 0 ? '' : ` ${plural(aborted, 'multipart upload')} aborted,`
    lines.push(
      `Done: ${expired} expired, ${cleared} cleaned up,${multipart} ${confirmed} confirmed automatically, ${failed} failed.`,
    )
  }
  if (byServer)
    lines.push(
      'Not deleted by this command: a running server deletes what is due every minute. If no server runs any more, retry in a minute.',
    )
  const { objects, bytes, uploads, young, removed } = orphans
  const found = `${plural(objects, 'object')} (${showBytes(bytes)}) and ${plural(uploads, 'multipart upload')}`
  lines.push(`Orphans: ${found}. Deleted: ${removed}. Too young: ${young}.`)
  if (blobs !== null && blobs.orphans > 0) {
    const place = blobs.set === null ? '' : ` to quarantine/${blobs.set}`
    lines.push(
      `Orphaned blobs: ${blobs.orphans} (${showBytes(blobs.bytes)}). Moved${place}: ${blobs.moved}. Too young: ${blobs.young}.`,
    )
  }
  const left = objects + uploads + (blobs?.orphans ?? 0)
  if (!dryRun && removed + (blobs?.moved ?? 0) === 0 && left > 0)
    lines.push('Orphans were only counted. To remove them, also next to a running server, run: postern gc --orphans')
  return lines.join('\n')
}
