import type { Command } from 'commander'
import type { RestoreResult } from '../backup/restore-backup.ts'
import type { Config } from '../config/config.ts'
import { folderTools } from '../drivers/registry.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { assertInputFile } from './input-file.ts'
import { interruptible } from './interruptible.ts'
import { catalogFile } from './open-store.ts'
import { printJson, printNote, printResult } from './output.ts'
import { showBytes, startProgress } from './progress.ts'
import { stateFolder } from '../config/state-folder.ts'

export function addRestore(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('restore <files...>'))
    .description('make an empty folder what a backup holds')
    .addHelpText(
      'after',
      '\nAfter a full backup and some made with --since name all of them, oldest first: the last is what is restored.' +
        '\n- reads one from stdin. Every hash is verified; nothing stays where one does not match.',
    )
    .action(async (files: string[], options: ConfigOptions) =>
      exit(await interruptible((signal) => restore(files, options, signal), { json: options.json })),
    )
}

async function restore(files: string[], options: ConfigOptions, signal: AbortSignal): Promise<number> {
  const { config } = openConfig(options)
  if (files.filter((file) => file === '-').length > 1) throw new CliError('Only one backup can come from stdin.', 2)
  for (const file of files) if (file !== '-') assertInputFile(file)
  const { restoreBackup } = await import('../backup/restore-backup.ts')
  const store = stateFolder(config)
  await refuseInUse(config)
  const progress = startProgress('Restoring', showBytes)
  let result: RestoreResult
  try {
    result = await restoreBackup({
      store,
      catalog: catalogFile(config),
      files: files.map((file) => (file === '-' ? process.stdin : file)),
      onTotal: progress.total,
      onBytes: progress.add,
      signal,
    })
  } finally {
    progress.end()
  }
  for (const note of notes(result, config.storage)) printNote(note)
  const { header, blobs, databases, secrets, damaged } = result
  const facts = { ok: true, store, id: header.id, createdAt: header.createdAt, blobs, databases, secrets, damaged }
  if (options.json) printJson(facts)
  else printResult(`Restored the backup of ${header.createdAt} to ${store}: ${blobs} blobs.`)
  return 0
}

/** A server that runs would write into what is restored, or keep the files that it has open. */
async function refuseInUse(config: Config): Promise<void> {
  const { isCatalogInUse, isInUse } = await import('./server-lock.ts')
  const path = stateFolder(config)
  const catalog = catalogFile(config)
  const used = (await isInUse({ path, tools: folderTools })) ? path : catalog !== null && isCatalogInUse(catalog) ? catalog : null
  if (used !== null) throw new CliError(`A server uses ${used}. Stop it first, then restore again.`, 1)
}

function notes({ header, damaged, secrets }: RestoreResult, storage: { bucket: string; driver: string }): string[] {
  const said: string[] = []
  if (header.bucket !== storage.bucket) {
    said.push(
      `Its bucket is ${header.bucket}, and storage.bucket is ${storage.bucket}: write storage: { bucket: ${header.bucket} }.`,
    )
  }
  if (header.driver !== storage.driver) {
    said.push(`It was made with storage.driver: ${header.driver}; the configuration says ${storage.driver}.`)
  }
  if (secrets.length === 0) {
    said.push('It holds no secrets: new ones are made at the next start, and tokens and URLs in use end then.')
  }
  if (damaged.length > 0) {
    said.push(
      `${damaged.length} blobs were damaged when it was made: run postern verify to see which objects these are.`,
    )
  }
  return said
}
