import { Command, CommanderError } from 'commander'
import { explainFileError, FileFailure } from '../cannot-open.ts'
import { ConfigError } from '../config/config-error.ts'
import { packageVersion } from '../config/package-version.ts'
import { StorageError } from '../errors.ts'
import { CliError } from './cli-error.ts'
import { addBackup } from './backup.ts'
import { addConfig } from './config.ts'
import { addDb } from './db.ts'
import { addDev } from './dev.ts'
import { addDoctor } from './doctor.ts'
import { addExec } from './exec.ts'
import { addExplain } from './explain.ts'
import { addGc } from './gc.ts'
import { addHealth } from './health.ts'
import { addKeys } from './keys.ts'
import { addMigrate } from './migrate.ts'
import { printJson, printNote } from './output.ts'
import { addPresign } from './presign.ts'
import { addQuarantine } from './quarantine.ts'
import { addRebuild } from './rebuild.ts'
import { addRestore } from './restore.ts'
import { addServe } from './serve.ts'
import { addToken } from './token.ts'
import { addVerify } from './verify.ts'
import { addWebhooks } from './webhooks.ts'

/** Exit codes: 0 ok, 1 failed, 2 usage or configuration, 130 interrupted. */
export async function run(argv: readonly string[]): Promise<number> {
  // `postern config show | head` closes the pipe early, which is not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  // A closed stderr is not a failure.
  process.stderr.on('error', () => {})
  let exitCode = 0
  const program = createProgram((code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(withCommand(argv))
    return exitCode
  } catch (error) {
    return report(error, argv.includes('--json'))
  }
}

/** Without a command, runs `dev`. The program's own options still work. */
function withCommand([node = '', script = '', ...args]: readonly string[]): string[] {
  const [first] = args
  const isDev = first === undefined || (first.startsWith('-') && !/^(?:-h|--help|--version)$/.test(first))
  return [node, script, ...(isDev ? ['dev'] : []), ...args]
}

/** `exit` sets the exit code of a command that finishes without an error. */
export function createProgram(exit: (code: number) => void): Command {
  const program = new Command('postern')
    .description('A self-hosted storage gateway: presigned uploads and downloads, on a disk or on S3.')
    .version(packageVersion(), '--version', 'print the version')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(--help lists all commands)')
  addServe(program, exit)
  addDev(program, exit)
  addExec(program, exit)
  addToken(program)
  addPresign(program)
  addExplain(program, exit)
  addDoctor(program, exit)
  addHealth(program, exit)
  addGc(program, exit)
  addKeys(program)
  addMigrate(program, exit)
  addVerify(program, exit)
  addQuarantine(program)
  addBackup(program, exit)
  addRestore(program, exit)
  addRebuild(program, exit)
  addConfig(program, exit)
  addDb(program, exit)
  addWebhooks(program, exit)
  return program
}

function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    // Commander has already printed the error.
    if (json) printJson({ ok: false, error: error.message.replace(/^error: /, '') })
    return 2
  }
  if (error instanceof ConfigError) {
    printNote(error.message)
    if (json) printJson({ ok: false, error: 'the configuration is not valid', problems: error.problems })
    return 2
  }
  const file = explainFileError(error)
  const known =
    error instanceof CliError || error instanceof StorageError || error instanceof FileFailure || isSystemError(error)
  const message = file ?? (error instanceof Error ? error.message : String(error))
  printNote(known ? message : error instanceof Error ? (error.stack ?? message) : message)
  if (json) printJson({ ok: false, error: message })
  return error instanceof CliError ? error.exitCode : 1
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && 'syscall' in error
