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
import { plural, showBytes, startProgress } from './progress.ts'
import { stateFolder } from '../config/state-folder.ts'

export function addRestore(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('restore <files...>'))
    .description('restore a backup into an empty folder')
    .addHelpText(
      'after',
      '\nFor a backup made with --since, name the full backup and all later ones, oldest first. The state of the last one is restored.' +
        '\nUse - to read one backup from stdin. Every hash is verified. If one does not match, nothing is kept.',
    )
    .action(async (files: string[], options: ConfigOptions) =>
      exit(await interruptible((signal) => restore(files, options, signal), { json: options.json })),
    )
}

async function restore(files: string[], options: ConfigOptions, signal: AbortSignal): Promise<number> {
  const { config } = openConfig(options)
  if (files.filter((file) => file === '-').length > 1) throw new CliError('Only one backup can be read from stdin.', 2)
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
  else printResult(`Restored the backup of ${header.createdAt} to ${store}: ${plural(blobs, 'blob')}.`)
  return 0
}

/** A running server would write to the restored files, or keep the old ones open. */
async function refuseInUse(config: Config): Promise<void> {
  const { isCatalogInUse, isInUse } = await import('./server-lock.ts')
  const path = stateFolder(config)
  const catalog = catalogFile(config)
  const used = (await isInUse({ path, tools: folderTools }))
    ? path
    : catalog !== null && isCatalogInUse(catalog)
      ? catalog
      : null
  if (used !== null) throw new CliError(`A server is using ${used}. Stop it, then restore again.`, 1)
}

function notes({ header, damaged, secrets }: RestoreResult, storage: { bucket: string; driver: string }): string[] {
  const said: string[] = []
  if (header.bucket !== storage.bucket) {
    said.push(
      `The backup is of the bucket ${header.bucket}, but storage.bucket is ${storage.bucket}. Set storage: { bucket: ${header.bucket} }.`,
    )
  }
  if (header.driver !== storage.driver) {
    said.push(
      `The backup was made with storage.driver ${header.driver}, but the configuration has ${storage.driver}. Set storage: { driver: ${header.driver} }.`,
    )
  }
  if (secrets.length === 0) {
    said.push(
      'The backup contains no secrets. The next start creates new ones, which invalidates existing tokens and URLs.',
    )
  }
  if (damaged.length > 0) {
    said.push(
      `Damaged before the backup: ${plural(damaged.length, 'blob')}. Run postern verify to see which objects are affected.`,
    )
  }
  return said
}
