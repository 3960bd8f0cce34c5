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
  fault: string[]
  seed?: number
  now?: string
  frozen?: boolean
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
    .option(
      '--fault <preset[=p]>',
      'make requests fail, e.g. slow-down, or phone=0.1 for one request in ten; repeatable',
      addText,
      [],
    )
    .option('--seed <number>', 'repeat the random choices of an earlier run', seed)
    .option('--now <time>', 'start the clock of the gateway at this time (ISO 8601)')
    .option('--frozen', 'stop the clock of the gateway')
    .option('--set <key=value>', 'set a key of the configuration; repeatable', collectSetting)
    .addHelpText(
      'after',
      '\nExample: postern exec --bucket uploads -- npm test' +
        '\nThe command gets AWS_ENDPOINT_URL_S3, credentials, POSTERN_URL and POSTERN_TEST_TOKEN in its environment, and' +
        '\nno credentials of a real bucket. The exit code is that of the command.',
    )
    .action(async (command: string[], options: ExecOptions) => exit(await exec(command, options)))
}

const addText = (text: string, before: string[]): string[] => [...before, text]

function seed(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError('A seed is a whole number from 0.')
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
    ...(options.seed !== undefined && { seed: options.seed }),
    ...(options.now !== undefined && { now: options.now }),
  }).catch((cause: Error) => {
    throw cause.name === 'ConfigError' ? cause : new CliError(cause.message, 2, { cause })
  })
  try {
    for (const text of options.fault) addFault(postern, text)
    if (options.frozen) postern.clock.freeze()
    const env = childEnvironment(process.env, postern.env)
    const code = await outcomeOf(spawn(command, args, { stdio: 'inherit', env }), command)
    if (code !== 0) {
      report(postern)
      reportFaults(postern)
    }
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

/** `NAME`, or `NAME=P` with a probability from 0 to 1. Errors: CliError with exit code 2. */
function addFault(postern: Postern, text: string): void {
  const [name = '', probability] = text.split('=')
  try {
    postern.gateway.testMode!.faults.addPreset(
      name,
      probability === undefined ? {} : { when: { probability: Number(probability), times: undefined } },
    )
  } catch (cause) {
    throw new CliError(`--fault ${text}: ${(cause as Error).message}`, 2, { cause })
  }
}

/** Prints what is needed to repeat the run. */
function reportFaults({ gateway }: Postern): void {
  const { faults } = gateway.testMode!
  const hit = faults.list().filter((rule) => rule.hit > 0)
  if (faults.list().length === 0) return
  printNote(
    `\npostern: faults changed ${hit.reduce((sum, rule) => sum + rule.hit, 0)} requests; --seed ${faults.seed} repeats them:`,
  )
  for (const { id, hit: hits, seen } of hit) printNote(`  ${id}: ${hits} of ${seen} matching requests`)
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
