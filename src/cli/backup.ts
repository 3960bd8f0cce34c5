import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { isThere } from '../cannot-open.ts'
import type { BackupResult } from '../backup/create-backup.ts'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { keyFilePath, readKeyFile } from '../config/key-file.ts'
import { readSecrets, secretsPath } from '../config/secrets.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { assertInputFile } from './input-file.ts'
import { interruptible } from './interruptible.ts'
import { catalogFile, noStore } from './open-store.ts'
import { keepStdoutForBytes, printJson, printNote, printResult } from './output.ts'
import { plural, showBytes, startProgress } from './progress.ts'
import { folderStore } from '../drivers/registry.ts'
import { stateFolder } from '../config/state-folder.ts'

type BackupOptions = ConfigOptions & { since?: string; secrets?: boolean }

export function addBackup(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('backup <file>'))
    .description('back up databases, secrets and blobs into one file, while the server runs')
    .option('--since <file>', 'skip blobs that are in this earlier backup or in the ones it builds on')
    .option('--without-secrets', 'leave out secrets.json and keys.json')
    .addHelpText(
      'after',
      '\nThe file is a tar archive. Use - for stdout. It contains secrets, so protect it like them.' +
        '\nExit code 1: the backup was written, but some blobs were already damaged. See docs/backup.md for restoring.',
    )
    .action(async (file: string, options: BackupOptions & { withoutSecrets?: boolean }) =>
      exit(await interruptible((signal) => backup(file, options, signal), { json: options.json })),
    )
}

async function backup(
  file: string,
  options: BackupOptions & { withoutSecrets?: boolean },
  signal: AbortSignal,
): Promise<number> {
  if (file === '-') keepStdoutForBytes()
  const { config } = openConfig(options)
  const sources = backupSources(config, options.withoutSecrets ?? false)
  if (file === '-' && process.stdout.isTTY) {
    throw new CliError('A backup is binary. Write it to a file or pipe it.', 2)
  }
  if (options.since !== undefined && !folderStore(config.storage)) {
    throw new CliError(
      `--since needs the disk driver. With the ${config.storage.driver} driver the blobs are in the bucket and not in the backup.`,
      2,
    )
  }
  if (options.since !== undefined) assertInputFile(options.since)
  const folder = dirname(resolve(file))
  if (file !== '-' && !isThere(folder)) throw new CliError(`The folder ${folder} does not exist. Create it first.`, 2)
  const [{ createBackup }, { openFileOutput, openStreamOutput }, { readPrevious }] = await Promise.all([
    import('../backup/create-backup.ts'),
    import('../backup/output.ts'),
    import('../backup/previous.ts'),
  ])
  const previous = options.since === undefined ? null : await readPrevious(options.since)
  // A pipe that closes early usually does no harm. Here the archive would be incomplete.
  if (file === '-') process.stdout.removeAllListeners('error')
  const output = file === '-' ? openStreamOutput(process.stdout) : await openFileOutput(resolve(file))
  const progress = startProgress('Copying', showBytes)
  try {
    const result = await createBackup(
      {
        ...sources,
        previous,
        driver: config.storage.driver,
        bucket: config.storage.bucket,
        workFolder: file === '-' ? tmpdir() : folder,
        onTotal: progress.total,
        onBytes: progress.add,
        signal,
      },
      output,
    )
    progress.end()
    printOutcome(file, result, options.json ?? false)
    return result.damaged.length === 0 ? 0 : 1
  } catch (error) {
    throw isDatabaseError(error)
      ? new CliError(
          `A database cannot be copied: ${(error as Error).message}. Run postern doctor to see which one.`,
          1,
        )
      : error
  } finally {
    progress.end()
  }
}

const isDatabaseError = (error: unknown): boolean =>
  String((error as { code?: unknown } | null)?.code).startsWith('SQLITE_')

type Sources = { store: string | null; databases: { [name: string]: string }; secrets: string[] }

/** Lists what to back up, and notes what the backup does not contain. */
function backupSources(config: Config, withoutSecrets: boolean): Sources {
  const { storage } = config
  const folder = stateFolder(config)
  const isDisk = folderStore(storage) !== null
  const index = join(folder, 'index.sqlite')
  if (isDisk && !isThere(index)) {
    throw noStore(folder)
  }
  if (!isDisk)
    printNote(
      `This backup does not contain the objects in the bucket ${storage.bucket}. Enable versioning or replication there.`,
    )
  const catalog = catalogFile(config)
  if (catalog === null)
    printNote('This backup does not contain the catalog in PostgreSQL. Run pg_dump before each backup.')
  else if (!isThere(catalog)) {
    throw new CliError(`There is no catalog at ${catalog}. Name it with --set database.url=sqlite:PATH.`, 1)
  }
  if (!withoutSecrets) assertSecretsAreWhole(folder)
  const secrets = [secretsPath(folder), keyFilePath(folder)].filter((path) => !withoutSecrets && isThere(path))
  return {
    store: isDisk ? folder : null,
    databases: { ...(isDisk && { 'index.sqlite': index }), ...(catalog !== null && { 'catalog.sqlite': catalog }) },
    secrets,
  }
}

/** A damaged file would otherwise be found at the restore, when no good copy is left. */
function assertSecretsAreWhole(folder: string): void {
  try {
    readSecrets(folder)
    readKeyFile(folder)
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    throw new CliError(
      `${cause.message}\nNo backup was written. Repair this file first, or leave secrets.json and keys.json out with --without-secrets.`,
      1,
      { cause },
    )
  }
}

function printOutcome(file: string, { id, blobs, bytes, earlierBlobs, damaged }: BackupResult, json: boolean): void {
  for (const { id: blob, damaged: what } of damaged) printNote(`Blob ${blob} was damaged before the backup (${what})`)
  if (damaged.length > 0) printNote('Run postern verify --deep to see which objects these are.')
  const facts = { ok: damaged.length === 0, file, id, blobs, bytes, earlierBlobs, damaged }
  const earlier = earlierBlobs > 0 ? `, ${earlierBlobs} more in earlier backups` : ''
  if (json) printJson(facts)
  else printResult(`Backed up ${plural(blobs, 'blob')} (${showBytes(bytes)})${earlier}.`)
}
