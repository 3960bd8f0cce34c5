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
import { catalogFile } from './open-store.ts'
import { keepStdoutForBytes, printJson, printNote, printResult } from './output.ts'
import { showBytes, startProgress } from './progress.ts'
import { folderStore } from '../drivers/registry.ts'
import { stateFolder } from '../config/state-folder.ts'

type BackupOptions = ConfigOptions & { since?: string; secrets?: boolean }

export function addBackup(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('backup <file>'))
    .description('copy databases, secrets and blobs into one file, while the server runs')
    .option('--since <file>', 'leave out blobs that this earlier backup has, or those that it builds on')
    .option('--without-secrets', 'leave out secrets.json and keys.json')
    .addHelpText(
      'after',
      '\nThe file is a tar; - writes it to stdout. It holds secrets and must be kept as safe as they are.' +
        '\nExit code 1 when it was made but some blobs were damaged already. docs/backup.md tells how to restore.',
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
  const sources = whatThereIs(config, options.withoutSecrets ?? false)
  if (file === '-' && process.stdout.isTTY) {
    throw new CliError('A backup is no text for a terminal: write it to a file, or pipe it.', 2)
  }
  if (options.since !== undefined && !folderStore(config.storage)) {
    throw new CliError(
      `--since is about blobs, and with the ${config.storage.driver} driver these are in the bucket.`,
      2,
    )
  }
  if (options.since !== undefined) assertInputFile(options.since)
  const folder = dirname(resolve(file))
  if (file !== '-' && !isThere(folder)) throw new CliError(`There is no folder ${folder} to write it to.`, 2)
  const [{ createBackup }, { openFileOutput, openStreamOutput }, { readPrevious }] = await Promise.all([
    import('../backup/create-backup.ts'),
    import('../backup/output.ts'),
    import('../backup/previous.ts'),
  ])
  const previous = options.since === undefined ? null : await readPrevious(options.since)
  // Elsewhere a pipe that closes early is no failure; here the archive is not whole.
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
    tell(file, result, options.json ?? false)
    return result.damaged.length === 0 ? 0 : 1
  } catch (error) {
    throw isDatabaseError(error)
      ? new CliError(`A database cannot be copied: ${(error as Error).message}. postern doctor says which one.`, 1)
      : error
  } finally {
    progress.end()
  }
}

const isDatabaseError = (error: unknown): boolean =>
  String((error as { code?: unknown } | null)?.code).startsWith('SQLITE_')

type Sources = { store: string | null; databases: { [name: string]: string }; secrets: string[] }

/** Says aloud what is not in the backup. */
function whatThereIs(config: Config, withoutSecrets: boolean): Sources {
  const { storage } = config
  const folder = stateFolder(config)
  const isDisk = folderStore(storage) !== null
  const index = join(folder, 'index.sqlite')
  if (isDisk && !isThere(index)) {
    throw new CliError(`There is no store at ${folder}. Name its folder with --storage.`, 1)
  }
  if (!isDisk)
    printNote(
      `The objects are in the bucket ${storage.bucket} and not in this backup: keep versions or a replica of it.`,
    )
  const catalog = catalogFile(config)
  if (catalog === null) printNote('The catalog is in PostgreSQL and not in this backup: run pg_dump before it.')
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

/** A damaged file in a backup would be found at the restore, when the good one is gone. */
function assertSecretsAreWhole(folder: string): void {
  try {
    readSecrets(folder)
    readKeyFile(folder)
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    throw new CliError(
      `${cause.message}\nNo backup was made. Mend this file first, or leave secrets.json and keys.json out with --without-secrets.`,
      1,
      { cause },
    )
  }
}

function tell(file: string, { id, blobs, bytes, earlierBlobs, damaged }: BackupResult, json: boolean): void {
  for (const { id: blob, damaged: what } of damaged) printNote(`Damaged before it was copied: blob ${blob} (${what})`)
  if (damaged.length > 0) printNote('Run postern verify --deep to see which objects these are.')
  const facts = { ok: damaged.length === 0, file, id, blobs, bytes, earlierBlobs, damaged }
  const earlier = earlierBlobs > 0 ? `, ${earlierBlobs} more are in earlier backups` : ''
  if (json) printJson(facts)
  else printResult(`Backed up ${blobs} blobs (${showBytes(bytes)})${earlier}.`)
}
