import type { Command } from 'commander'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Config } from '../config/config.ts'
import { problemKinds, type Checked, type Problem, type ProblemKind, type Report } from '../drivers/verify-problems.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, countArgument, durationArgument, openConfig, type ConfigOptions } from './config-options.ts'
import { interruptible } from './interruptible.ts'
import { openCatalog, openDriver, openOthers } from './open-store.ts'
import { printJson, printResult } from './output.ts'
import { plural, showBytes, startProgress, type Progress } from './progress.ts'
import { folderStore } from '../drivers/registry.ts'

type VerifyOptions = ConfigOptions & { deep?: boolean; repair?: boolean; grace?: number; yesDelete?: number }

/** Number of problems listed. All are counted. */
const maxListed = 10_000
const hour = 3600

export function addVerify(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('verify'))
    .description('check that every file, object and blob is present and intact')
    .option('--deep', 'read every byte and compare checksums')
    .option('--repair', 'move damaged and orphaned blobs to quarantine, remove leftovers, correct counts')
    .option(
      '--yes-delete <n>',
      'allow --repair to move up to this many orphans, instead of 100 or 1 % of all',
      countArgument,
    )
    .option(
      '--grace <duration>',
      'the minimum age of orphans (default: 1h; a day for unfinished files)',
      durationArgument,
    )
    .addHelpText(
      'after',
      '\nWorks with or without a running server. Exit code 0: no problems; 1: problems found, even' +
        '\nif --repair fixed them; 2: wrong usage. See docs/verify.md for each problem and the JSON output.',
    )
    .action(async (options: VerifyOptions) =>
      exit(await interruptible((signal) => verify(options, signal), { json: options.json })),
    )
}

async function verify(options: VerifyOptions, signal: AbortSignal): Promise<number> {
  const loaded = openConfig(options)
  const { config } = loaded
  if (options.repair) await assertGrace(config, options.grace)
  const run = { deep: options.deep ?? false, repair: options.repair ?? false }
  const startedAt = new Date()
  const found = collect()
  const progress = startProgress('Verifying', run.deep ? showBytes : (blobs) => plural(blobs, 'blob'))
  const report: Report = {
    problem: found.problem,
    count(what, by = 1) {
      found.count(what, by)
      if (what === (run.deep ? 'bytes' : 'blobs')) progress.add(by)
    },
  }
  try {
    await verifyAll(loaded, { ...run, grace: options.grace, allowed: options.yesDelete ?? 0, report, progress, signal })
  } finally {
    progress.end()
  }
  const ok = found.total() === 0
  const { driver } = config.storage
  if (options.json) {
    const { problems, counts, checked } = found
    const finishedAt = new Date()
    const isTruncated = found.total() > problems.length
    printJson({ ok, driver, ...run, startedAt, finishedAt, checked, counts, problems, isTruncated })
  } else printResult(summary(found))
  return ok ? 0 : 1
}

/** A running server may be about to record an apparent orphan. A slow upload needs up to an hour. */
async function assertGrace({ storage }: Config, grace = hour): Promise<void> {
  const folder = folderStore(storage)
  if (grace >= hour || !folder) return
  const { isInUse } = await import('./server-lock.ts')
  if (!(await isInUse(folder))) return
  throw new CliError(
    `--grace ${grace}s is too short for --repair while a server uses ${folder.path}. The minimum is 1h. ` +
      'Write --grace 1h, or stop the server first.',
    2,
  )
}

type Run = {
  deep: boolean
  repair: boolean
  grace: number | undefined
  allowed: number
  report: Report
  progress: Progress
  signal: AbortSignal
}

async function verifyAll(loaded: LoadedConfig, { progress, grace, ...o }: Run): Promise<void> {
  const { config } = loaded
  const folder = folderStore(config.storage)
  const catalog = await openCatalog(config)
  try {
    if (folder) {
      const { verifyStore } = await folder.tools()
      await verifyStore({
        ...o,
        path: folder.path,
        grace: grace ?? hour,
        tempGrace: grace ?? 24 * hour,
        onTotal: ({ blobs, bytes }) => progress.total(o.deep ? bytes : blobs),
      })
    }
    const [driver, { verifyFiles }, { createStores }] = await Promise.all([
      openDriver(config, catalog),
      import('../service/maintenance/verify-files.ts'),
      import('../service/stores/stores.ts'),
    ])
    const others = await openOthers(loaded, catalog)
    try {
      await verifyFiles({
        ...o,
        stores: createStores(driver, others),
        catalog,
        bucket: config.storage.bucket,
        deep: o.deep && !folder,
        removeOrphans: folder !== null,
        grace: grace ?? 24 * hour,
        now: () => new Date(),
      })
    } finally {
      await Promise.all([driver, ...others].map((store) => store.close()))
    }
  } finally {
    await catalog.close()
  }
}

type Listed = Problem & { severity: 'damage' | 'leftover' }

function collect() {
  const problems: Listed[] = []
  const counts: Partial<Record<ProblemKind, number>> = {}
  const checked: Checked = {}
  return {
    problems,
    counts,
    checked,
    problem(found: Problem): void {
      counts[found.kind] = (counts[found.kind] ?? 0) + 1
      if (problems.length < maxListed) problems.push({ severity: problemKinds[found.kind], ...found })
    },
    count(what: string, by: number): void {
      checked[what] = (checked[what] ?? 0) + by
    },
    total: () => Object.values(counts).reduce((sum, count) => sum + count, 0),
  }
}

function summary({ problems, counts, checked, total }: ReturnType<typeof collect>): string {
  const looked = Object.entries(checked).map(([what, n]) => `${what === 'bytes' ? showBytes(n) : n} ${words(what, n)}`)
  const lines = [`Checked ${looked.join(', ') || 'nothing, because the store is empty'}.`]
  for (const problem of problems) lines.push(line(problem))
  if (total() > problems.length) lines.push(`… and ${total() - problems.length} more`)
  const sums = Object.entries(counts).map(([kind, n]) => `${n} ${kind}`)
  lines.push(sums.length === 0 ? 'No problems found.' : `Found: ${sums.join(', ')}.`)
  return lines.join('\n')
}

/** Words for a counter such as `filesElsewhere`. */
function words(name: string, count: number): string {
  if (name === 'bytes') return 'read'
  const several = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return count === 1 ? several.replace(/^(\w+)s\b/, '$1') : several
}

function line({ severity, kind, repair, detail, ...where }: Listed): string {
  const place = [
    where.file !== undefined && `file ${where.file}`,
    where.key !== undefined && `${where.bucket}/${where.key}`,
    where.uploadId !== undefined && `upload ${where.uploadId}`,
    where.partNumber !== undefined && `part ${where.partNumber}`,
    where.blob !== undefined && `blob ${where.blob}`,
    where.owner !== undefined && `of ${where.owner}`,
  ].filter((text) => text !== false)
  const done = repair === 'left' ? '' : ` [${repair}]`
  return `${severity} ${kind}: ${[...place, detail].join(', ')}${done}`
}
