import { InvalidArgumentError, type Command } from 'commander'
import type { Config } from '../config/schema.ts'
import type { Outcome, Result } from '../doctor/check.ts'
import { corsJson } from '../doctor/cors-rules.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { printJson, printNote, printResult } from './output.ts'

type DoctorOptions = ConfigOptions & { origin: string[]; fix?: boolean }

export function addDoctor(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('doctor'))
    .description('check disk, public URLs and bucket one by one, and say what to do; the server may run or not')
    .option('--origin <url>', 'where pages that upload come from; repeatable (default: cors.origins)', addOrigin, [])
    .option('--fix', "set the bucket's CORS rules where they do not allow those pages; its other rules stay")
    .addHelpText(
      'after',
      '\n✔ it works  ✖ it does not, with what to do  ? it could not be checked. docs/doctor.md explains every check.' +
        '\nExit code 0: no ✖; 1: at least one; 2: the call or the configuration is wrong.',
    )
    .action(async (options: DoctorOptions) => exit(await doctor(options)))
}

function addOrigin(text: string, before: string[]): string[] {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.origin !== text.replace(/\/$/, '').toLowerCase()) {
    throw new InvalidArgumentError('Write an origin: https://app.example.com, without a path.')
  }
  return [...before, url.origin]
}

async function doctor(options: DoctorOptions): Promise<number> {
  const { config } = openConfig(options)
  const origins = options.origin.length > 0 ? options.origin : configuredOrigins(config)
  const stopping = new AbortController()
  const stop = (): void => {
    if (stopping.signal.aborted) process.exit(130)
    printNote('Stopping: what was written is removed first. Ctrl-C again ends it now.')
    stopping.abort()
  }
  process.on('SIGINT', stop)
  try {
    const { diagnose } = await import('./diagnose.ts')
    let group = ''
    const tell = (result: Result): void => {
      if (options.json) return
      if (result.group !== group) printResult(`${group === '' ? '' : '\n'}${heading[result.group] ?? result.group}`)
      group = result.group
      printResult(line(result))
    }
    const results = await diagnose(config, { origins, fix: options.fix ?? false, tell, signal: stopping.signal })
    const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length
    const summary = { ok: count('ok'), failed: count('failed'), unknown: count('unknown') }
    const needsCors = results.some(({ check, outcome }) => check.startsWith('cors:') && outcome === 'failed')
    const cors = needsCors && config.storage.driver === 's3' ? corsJson(origins) : null
    if (options.json) printJson({ ok: summary.failed === 0, summary, results, cors })
    else printEnd(summary, cors)
    return stopping.signal.aborted ? 130 : summary.failed > 0 ? 1 : 0
  } finally {
    process.off('SIGINT', stop)
  }
}

/** The pages that the configuration lets in. `*` names none. */
function configuredOrigins({ cors, server }: Config): string[] {
  const own = server.publicUrl === 'auto' ? [] : [new URL(server.publicUrl).origin]
  return [...new Set([...cors.origins.filter((origin) => origin !== '*'), ...own])]
}

const heading: Readonly<Record<string, string>> = { disk: 'Disk', urls: 'Public URLs', bucket: 'Bucket' }
const mark: Readonly<Record<Outcome, string>> = { ok: '✔', failed: '✖', unknown: '?' }

function line({ outcome, check, message, fix }: Result): string {
  const first = `  ${mark[outcome]} ${check.padEnd(16)} ${message}`
  return fix === undefined ? first : `${first}\n    ${' '.repeat(16)} ${fix}`
}

function printEnd(
  { ok, failed, unknown }: { ok: number; failed: number; unknown: number },
  cors: ReturnType<typeof corsJson> | null,
): void {
  if (cors) printResult(`\nCORS rules for the bucket (aws s3api put-bucket-cors):\n${JSON.stringify(cors, null, 2)}`)
  printResult(`\n${ok} in order, ${failed} failed, ${unknown} not checked.`)
}
