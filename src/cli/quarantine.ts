import type { Command } from 'commander'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { requireStore } from './open-store.ts'
import { printJson, printNote, printResult } from './output.ts'
import { plural, showBytes } from './progress.ts'
import { stateFolder, stateFolderSettings } from '../config/state-folder.ts'
import { folderTools } from '../drivers/registry.ts'

export function addQuarantine(program: Command): void {
  const quarantine = program.command('quarantine').description('list or restore orphaned blobs in quarantine')
  addConfigOptions(quarantine.command('list'))
    .description('list the blobs in quarantine and when they will be deleted')
    .action(list)
  addConfigOptions(quarantine.command('restore [sets...]'))
    .description('move blobs back to objects/')
    .option('--all', 'restore every set')
    .addHelpText(
      'after',
      '\nRestore the index from a backup first. Blobs that are still missing in the index move to quarantine again.' +
        '\nA running server restores blobs automatically once they are in the index again.',
    )
    .action(restore)
}

async function list(options: ConfigOptions): Promise<void> {
  const { config } = openConfig(options)
  requireStore(config)
  const { path, keepOrphans } = stateFolderSettings(config)
  const { quarantinedSets } = await folderTools()
  const sets = (await quarantinedSets(path)).map((set) => ({
    ...set,
    keptUntil: new Date(set.quarantinedAt.getTime() + keepOrphans * 1000),
  }))
  if (options.json) return printJson({ sets })
  if (sets.length === 0) return printResult('There are no orphaned blobs in quarantine.')
  for (const { name, blobs, bytes, keptUntil } of sets)
    printResult(`${name}: ${plural(blobs, 'blob')} (${showBytes(bytes)}), kept until ${keptUntil.toISOString()}`)
}

async function restore(sets: string[], options: ConfigOptions & { all?: boolean }): Promise<void> {
  if ((options.all ?? false) === sets.length > 0) {
    throw new CliError('Name the sets to restore, or use --all. To list them, run: postern quarantine list', 2)
  }
  const { config } = openConfig(options)
  requireStore(config)
  const { putBackSets } = await folderTools()
  const outcome = await putBackSets(stateFolder(config), sets)
  if (options.json) return printJson({ ok: true, ...outcome })
  printResult(`Restored ${plural(outcome.restored, 'blob')}.`)
  if (outcome.left > 0)
    printNote(
      `Left in quarantine, because objects/ already has a file of the same name: ${plural(outcome.left, 'blob')}.`,
    )
}
