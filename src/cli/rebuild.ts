/** Commands that rebuild the index, the log or the catalog from the others. The server must be stopped. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isThere } from '../cannot-open.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { ObjectRef } from '../drivers/driver.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { interruptible } from './interruptible.ts'
import { catalogFile, noStore } from './open-store.ts'
import { printJson, printNote, printResult } from './output.ts'
import { plural, startProgress } from './progress.ts'
import { folderStore, registrations, type FolderTools } from '../drivers/registry.ts'

/** Number of missing blobs printed. --json lists all. */
const maxListed = 100

export function addRebuild(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('rebuild-index'))
    .description('rebuild the object index from objects/, if it was lost or is older than the log')
    .option('--accept-incomplete', 'also use a log that does not cover the whole store')
    .addHelpText(
      'after',
      '\nStop the server first. The previous index moves to quarantine/. Exit code 1: done, but blobs are missing or' +
        '\nparts of the log are unreadable. The output lists them.',
    )
    .action(async (options: ConfigOptions & { acceptIncomplete?: boolean }) =>
      exit(await interruptible((signal) => rebuildIndexOf(options, signal), { json: options.json })),
    )
  addConfigOptions(program.command('rebuild-log'))
    .description('rebuild the log in objects/log from the object index, if it was lost or is older')
    .addHelpText('after', '\nStop the server first. The previous log moves to quarantine/.')
    .action(async (options: ConfigOptions) =>
      exit(await interruptible((signal) => rebuildLogOf(options, signal), { json: options.json })),
    )
  addConfigOptions(program.command('rebuild-catalog'))
    .description('restore the records of confirmed files from the store, if the catalog was lost or is older')
    .addHelpText(
      'after',
      '\nStop the server first. Existing records are not changed. Unfinished uploads and share links are not restored.' +
        '\nAlso accepts a catalog that is older than the store, or a store that is older than the catalog.' +
        '\nExit code 1: done, but files confirmed by older versions could not be restored, or bytes of files are missing.',
    )
    .action(async (options: ConfigOptions) =>
      exit(await interruptible((signal) => rebuildCatalogOf(options, signal), { json: options.json })),
    )
  const store = program.command('store').description('convert the store to another format')
  addConfigOptions(store.command('convert'))
    .description('convert the store to an older format')
    .requiredOption('--to <format>', '2, the format of versions without a log')
    .action(async (options: ConfigOptions & { to: string }) => exit(await convert(options)))
}

/** Errors: CliError if a server uses the store, or it is not a folder. */
async function folderOf({ storage }: Config): Promise<{ root: string; tools: FolderTools }> {
  const folder = folderStore(storage)
  if (!folder) {
    const drivers = registrations().flatMap(({ name, folder: path }) => (path ? [`--set storage.driver=${name}`] : []))
    throw new CliError(
      `storage.driver is ${storage.driver}, but only a store in a folder has an index and a log. Add ${drivers.join(' or ')}.`,
      2,
    )
  }
  if (!isThere(folder.path)) throw noStore(folder.path)
  const { isInUse } = await import('./server-lock.ts')
  if (await isInUse(folder)) throw new CliError(`A server is using ${folder.path}. Stop it, then run this again.`, 1)
  return { root: resolve(folder.path), tools: await folder.tools() }
}

async function rebuildIndexOf(
  options: ConfigOptions & { acceptIncomplete?: boolean },
  signal: AbortSignal,
): Promise<number> {
  const { root, tools } = await folderOf(openConfig(options).config)
  const progress = startProgress('Reading', (frames) => plural(frames, 'change'))
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
      printNote(`objects/log/${pack}: bytes ${from} to ${to} cannot be read. Lost: ${plural(lostFrames, 'change')}.`)
    }
    for (const id of missingBlobs.slice(0, maxListed)) printNote(`Blob ${id} is missing in objects/.`)
    if (missingBlobs.length > maxListed) printNote(`… and ${missingBlobs.length - maxListed} more.`)
    if (setAside !== null) printNote(`Moved the previous index to ${setAside}.`)
    printResult(
      `Rebuilt the index from ${plural(frames, 'change')}: ${plural(objects, 'object')}, ${plural(uploads, 'multipart upload')}.`,
    )
  }
  return ok ? 0 : 1
}

async function rebuildLogOf(options: ConfigOptions, signal: AbortSignal): Promise<number> {
  const { root, tools } = await folderOf(openConfig(options).config)
  const result = await tools.rebuildLog({ root, signal })
  if (options.json) printJson({ ok: true, ...result })
  else {
    if (result.setAside !== null) printNote(`Moved the previous log to ${result.setAside}.`)
    printResult(`Rebuilt the log of the store ${result.storeId} with ${plural(result.frames, 'frame')}.`)
  }
  return 0
}

async function rebuildCatalogOf(options: ConfigOptions, signal: AbortSignal): Promise<number> {
  const { config } = openConfig(options)
  const { root, tools } = await folderOf(config)
  const name = config.storage.driver
  const [{ createCatalog }, { fileFromNote }, { acceptPair }] = await Promise.all([
    import('../catalog/create-catalog.ts'),
    import('../service/files/note-files.ts'),
    import('../service/stores/keep-generation.ts'),
  ])
  const catalog = await createCatalog({ url: config.database.url })
  try {
    await catalog.migrate()
    let restored = 0
    let known = 0
    const { storeId, unnoted, missing } = await tools.readNotes(
      root,
      {
        begin: (id) => refuseOtherStore(catalog, name, id),
        async each({ note, ...object }) {
          signal.throwIfAborted()
          if (await catalog.restoreFile(fileFromNote(note, object, name))) restored++
          else known++
        },
      },
      async ({ has, paired, ...read }) => {
        await catalog.recordStore(name, read.storeId)
        await acceptPair(catalog, { name, paired })
        return { ...read, missing: await countWithout(catalog, name, has) }
      },
    )
    const ok = unnoted === 0 && missing === 0
    if (options.json) printJson({ ok, storeId, restored, known, unnoted, missing })
    else {
      if (unnoted > 0)
        printNote(`Not restored, because an older version confirmed them: ${plural(unnoted, 'sealed object')}.`)
      if (missing > 0)
        printNote(
          `The catalog has ${plural(missing, 'file')} whose bytes are not in this store. postern verify lists the names.`,
        )
      const where = catalogFile(config) ?? 'the database'
      printResult(`Restored ${plural(restored, 'file')} to ${where}. ${known} already existed.`)
    }
    return ok ? 0 : 1
  } finally {
    await catalog.close()
  }
}

async function refuseOtherStore(catalog: Catalog, name: string, storeId: string): Promise<void> {
  const recorded = await catalog.storeId(name)
  if (recorded === null || recorded === storeId) return
  const { files, pending } = await catalog.countIn(name)
  if (files + pending === 0) return
  throw new CliError(
    `The catalog has files of the store ${recorded}, and this is the store ${storeId}. Name another catalog with ` +
      '--set database.url, or the folder of the store with --storage.',
    1,
  )
}

/** Confirmed files whose object is not in the store. */
async function countWithout(catalog: Catalog, name: string, has: (ref: ObjectRef) => boolean): Promise<number> {
  let missing = 0
  for (let after: string | undefined; ;) {
    const page = await catalog.filesIn(name, { limit: 500, ...(after !== undefined && { after }) })
    if (page.length === 0) return missing
    missing += page.filter(({ file }) => !has(file.object)).length
    after = page.at(-1)!.file.id
  }
}

async function convert(options: ConfigOptions & { to: string }): Promise<number> {
  if (options.to !== '2')
    throw new CliError(`Cannot convert to format ${options.to}. The only supported format is 2 (--to 2).`, 2)
  const { root, tools } = await folderOf(openConfig(options).config)
  const { logAt } = await tools.convertToVersion2(root)
  if (options.json) printJson({ ok: true, format: 2, logAt })
  else {
    if (logAt !== null) printNote(`Moved the log to ${logAt}. Delete it when you no longer need it.`)
    printResult(`${root} now has format 2. Starting this version on it converts it back.`)
  }
  return 0
}
