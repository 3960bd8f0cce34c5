import { constants } from 'node:os'
import type { ChildProcess } from 'node:child_process'
import { InvalidArgumentError, type Command } from 'commander'
import { cannotBeOpened } from '../cannot-open.ts'
import { summaryOf } from '../testing/request-journal.ts'
import type { Postern } from '../testing/start-postern.ts'
import { CliError } from './cli-error.ts'
import { collectSetting } from './config-options.ts'
import { printNote } from './output.ts'

type ExecOptions = {
  bucket: string[]
  load?: string
  save?: string
  keep?: boolean
  set?: Record<string, string>
}

/** Number of refused requests shown after a command failed. */
const shownRefusals = 5

export function addExec(program: Command, exit: (code: number) => void): void {
  program
    .command('exec')
    .description('run a command, e.g. a test suite, with a gateway that runs only for its duration')
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--bucket <name>', 'create this bucket; repeatable. The first one is AWS_S3_BUCKET', collect, [])
    .option('--load <path>', 'start with the files of this folder, or with a file written by --save')
    .option('--save <file>', 'save everything to a file when the command ends')
    .option('--keep', 'keep the temporary folder and print its path')
    .option('--set <key=value>', 'set a key of the configuration; repeatable', collectSetting)
    .addHelpText(
      'after',
      '\nExample: postern exec --bucket uploads -- npm test' +
        '\nThe command gets AWS_ENDPOINT_URL_S3, credentials, POSTERN_URL and POSTERN_TEST_TOKEN in its environment, and' +
        '\nno credentials of a real bucket. The exit code is that of the command.',
    )
    .action(async (command: string[], options: ExecOptions) => exit(await exec(command, options)))
}

function collect(name: string, before: string[]): string[] {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) {
    throw new InvalidArgumentError(
      'A bucket name has 3 to 63 characters (a-z 0-9 . -) and starts and ends with a letter or digit.',
    )
  }
  return [...before, name]
}

async function exec([command = '', ...args]: string[], options: ExecOptions): Promise<number> {
  const [{ startPostern }, { childEnvironment }, { default: spawn }] = await Promise.all([
    import('../testing/start-postern.ts'),
    import('../testing/child-environment.ts'),
    import('cross-spawn'),
  ])
  const postern = await startPostern({
    buckets: options.bucket,
    keepFolder: options.keep ?? false,
    ...(options.load !== undefined && { load: options.load }),
    ...(options.set !== undefined && { config: options.set }),
  }).catch((cause: Error) => {
    throw cause.name === 'ConfigError' ? cause : new CliError(cause.message, 2, { cause })
  })
  try {
    const env = childEnvironment(process.env, postern.env)
    const code = await outcomeOf(spawn(command, args, { stdio: 'inherit', env }), command)
    if (code !== 0) report(postern)
    if (options.save !== undefined) await postern.save(options.save)
    return code
  } finally {
    await postern.stop()
    if (options.keep)
      printNote(`Kept ${postern.folder}. To inspect it, run: postern dev --storage ${postern.folder}/storage`)
  }
}

/** The exit code of the command, or 128 plus the signal number, as in shells. Signals are forwarded. */
function outcomeOf(child: ChildProcess, command: string): Promise<number> {
  // A terminal sends Ctrl-C to the command too. This process waits for it to exit.
  const forward = (signal: NodeJS.Signals): void => void (signal !== 'SIGINT' && child.kill(signal))
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  return new Promise<number>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'ENOENT'
          ? new CliError(`The command "${command}" was not found. Write it after --, e.g. postern exec -- npm test`, 2)
          : new CliError(`"${command}" ${cannotBeOpened(command, cause, { to: 'started' })}`, 1, { cause }),
      )
    })
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  }).finally(() => {
    for (const signal of signals) process.off(signal, forward)
  })
}

/** Prints the gateway's last refusals, which often explain a failed test. */
function report({ requests }: Postern): void {
  const refused = requests.list().filter(({ outcome }) => outcome === 'refused' || outcome === 'failed')
  if (refused.length === 0) return
  const shown = refused.slice(-shownRefusals)
  printNote(`\npostern: ${refused.length} refused requests, the last ${shown.length}:`)
  for (const request of shown) {
    printNote(`  ${summaryOf(request)}`)
    if (request.advice !== null) printNote(`    ${request.advice}`)
  }
}
