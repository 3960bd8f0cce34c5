/** Commands that make one of index, log and catalog from the others, while no server runs. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { interruptible } from './interruptible.ts'
import { catalogFile } from './open-store.ts'
import { printJson, printNote, printResult } from './output.ts'
import { startProgress } from './progress.ts'
import { folderStore, registrations, type FolderTools } from '../drivers/registry.ts'

/** Lines that are printed of what is missing; --json has all. */
const maxListed = 100

export function addRebuild(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('rebuild-index'))
    .description('make the object index from objects/ alone, when it was lost or is older than the log')
    .option('--accept-incomplete', 'also from a log that does not hold the whole store')
    .addHelpText(
      'after',
      '\nStop the server first. The index that was there moves to quarantine/. Exit code 1: done, but bytes are missing or' +
        '\nparts of the log could not be read; they are named.',
    )
    .action(async (options: ConfigOptions & { acceptIncomplete?: boolean }) =>
      exit(await interruptible((signal) => rebuildIndexOf(options, signal), { json: options.json })),
    )
  addConfigOptions(program.command('rebuild-log'))
    .description('write the log in objects/log from the object index, when the log was lost or is older')
    .addHelpText('after', '\nStop the server first. The log that was there moves to quarantine/.')
    .action(async (options: ConfigOptions) =>
      exit(await interruptible((signal) => rebuildLogOf(options, signal), { json: options.json })),
    )
  addConfigOptions(program.command('rebuild-catalog'))
    .description('restore the records of confirmed files from the store, when the catalog was lost')
    .addHelpText(
      'after',
      '\nStop the server first. Files that the catalog knows stay as they are. Unfinished uploads and links are lost.' +
        '\nExit code 1: done, but some files were confirmed by a version that kept no notes.',
    )
    .action(async (options: ConfigOptions) =>
      exit(await interruptible((signal) => rebuildCatalogOf(options, signal), { json: options.json })),
    )
  const store = program.command('store').description('change the format of the store')
  addConfigOptions(store.command('convert'))
    .description('make the store readable for an older version')
    .requiredOption('--to <format>', 'the format: 2, of versions without a log')
    .action(async (options: ConfigOptions & { to: string }) => exit(await convert(options)))
}

/** Errors: CliError where a server uses the store, or it is no folder. */
async function folderOf({ storage }: Config): Promise<{ root: string; tools: FolderTools }> {
  const folder = folderStore(storage)
  if (!folder) {
    const drivers = registrations().flatMap(({ name, folder: path }) => (path ? [`--set storage.driver=${name}`] : []))
    throw new CliError(
      `storage.driver is ${storage.driver}: only a store on disk has an index and a log. Use ${drivers.join(' or ')}.`,
      2,
    )
  }
  const { isInUse } = await import('./server-lock.ts')
  if (await isInUse(folder)) throw new CliError(`A server uses ${folder.path}. Stop it first, then run this again.`, 1)
  return { root: resolve(folder.path), tools: await folder.tools() }
}

async function rebuildIndexOf(
  options: ConfigOptions & { acceptIncomplete?: boolean },
  signal: AbortSignal,
): Promise<number> {
  const { root, tools } = await folderOf(openConfig(options).config)
  const progress = startProgress('Reading', (frames) => `${frames} changes`)
  let seen = 0
  const onFrame = (frames: number): void => {
    progress.add(frames - seen)
    seen = frames
  }
  const result = await tools
    .rebuildIndex({
      root,
      acceptIncomplete: options.acceptIncomplete ?? false,
      onFrame,
      signal,
    })
    .finally(() => progress.end())
  const { objects, uploads, frames, gaps, missingBlobs, setAside } = result
  const ok = gaps.length === 0 && missingBlobs.length === 0
  if (options.json) printJson({ ok, ...result })
  else {
    for (const { pack, from, to, lostFrames } of gaps) {
      printNote(`objects/log/${pack}: bytes ${from} to ${to} cannot be read; ${lostFrames} changes are lost.`)
    }
    for (const id of missingBlobs.slice(0, maxListed)) printNote(`The bytes of blob ${id} are missing in objects/.`)
    if (missingBlobs.length > maxListed) printNote(`… and ${missingBlobs.length - maxListed} more.`)
    if (setAside !== null) printNote(`The index that was there is now in ${setAside}.`)
    printResult(`Rebuilt the index from ${frames} changes: ${objects} objects, ${uploads} multipart uploads.`)
  }
  return ok ? 0 : 1
}

async function rebuildLogOf(options: ConfigOptions, signal: AbortSignal): Promise<number> {
  const { root, tools } = await folderOf(openConfig(options).config)
  const result = await tools.rebuildLog({ root, signal })
  if (options.json) printJson({ ok: true, ...result })
  else {
    if (result.setAside !== null) printNote(`The log that was there is now in ${result.setAside}.`)
    printResult(`Wrote the log of the store ${result.storeId}: ${result.frames} frames.`)
  }
  return 0
}

async function rebuildCatalogOf(options: ConfigOptions, signal: AbortSignal): Promise<number> {
  const { config } = openConfig(options)
  const { root, tools } = await folderOf(config)
  const [{ createCatalog }, { fileFromNote }] = await Promise.all([
    import('../catalog/create-catalog.ts'),
    import('../service/note-files.ts'),
  ])
  const catalog = await createCatalog({ url: config.database.url })
  try {
    await catalog.migrate()
    let restored = 0
    let known = 0
    const { storeId, unnoted } = await tools.readNotes(root, async ({ note, ...object }) => {
      signal.throwIfAborted()
      if (await catalog.restoreFile(fileFromNote(note, object, config.storage.driver))) restored++
      else known++
    })
    await catalog.recordStore(config.storage.driver, storeId)
    if (options.json) printJson({ ok: unnoted === 0, storeId, restored, known, unnoted })
    else {
      if (unnoted > 0) printNote(`${unnoted} sealed objects have no note: they were confirmed by an older version.`)
      const where = catalogFile(config) ?? 'the database'
      printResult(`Restored ${restored} files to ${where}; ${known} were there already.`)
    }
    return unnoted === 0 ? 0 : 1
  } finally {
    await catalog.close()
  }
}

async function convert(options: ConfigOptions & { to: string }): Promise<number> {
  if (options.to !== '2') throw new CliError(`There is no format ${options.to} to convert to. Write --to 2.`, 2)
  const { root, tools } = await folderOf(openConfig(options).config)
  const { logAt } = await tools.convertToVersion2(root)
  if (options.json) printJson({ ok: true, format: 2, logAt })
  else {
    if (logAt !== null) printNote(`The log is now in ${logAt}. Delete it when you no longer need it.`)
    printResult(`${root} has format 2. Do not start this version on it again, unless you want to convert it back.`)
  }
  return 0
}
