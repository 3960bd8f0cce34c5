import { InvalidArgumentError, type Command } from 'commander'
import type { Config } from '../config/config.ts'
import type { Outcome, Result } from '../doctor/check.ts'
import { corsJson } from '../doctor/bucket/cors-rules.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { interruptible } from './interruptible.ts'
import { requireStore } from './open-store.ts'
import { printJson, printNote, printResult } from './output.ts'
import { servesObjects } from '../config/serves-objects.ts'
import { folderStore } from '../drivers/registry.ts'

type DoctorOptions = ConfigOptions & { origin: string[]; fix?: boolean }

export function addDoctor(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('doctor'))
    .description(
      'check disk, public URLs and bucket, with a fix for each failure; works with or without a running server',
    )
    .option('--origin <url>', 'the origin of pages that upload; repeatable (default: cors.origins)', addOrigin, [])
    .option('--fix', "set the bucket's CORS rules if they do not allow those pages; other rules are kept")
    .addHelpText(
      'after',
      '\n✔ passed  ✖ failed, with a fix  ? not checked. See docs/doctor.md for every check.' +
        '\nExit code 0: no check failed; 1: a check failed; 2: wrong usage or configuration; 130: interrupted, and' +
        '\neverything written was deleted.',
    )
    .action(async (options: DoctorOptions) =>
      exit(await interruptible((signal) => doctor(options, signal), { json: options.json })),
    )
}

function addOrigin(text: string, before: string[]): string[] {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.origin !== text.replace(/\/$/, '').toLowerCase()) {
    throw new InvalidArgumentError('Write an origin: https://app.example.com, without a path.')
  }
  return [...before, url.origin]
}

async function doctor(options: DoctorOptions, signal: AbortSignal): Promise<number> {
  const { config } = openConfig(options)
  // A bucket can be checked before the first start.
  if (folderStore(config.storage)) requireStore(config)
  const hasRules = !servesObjects(config)
  const fix = options.fix ?? false
  if (fix && !hasRules)
    printNote(
      '--fix sets the CORS rules of a bucket, but here browsers use the objects endpoint. Set cors.origins instead.',
    )
  const origins = options.origin.length > 0 ? options.origin : configuredOrigins(config)
  const { diagnose } = await import('./diagnose.ts')
  const report = options.json ? () => {} : startLines()
  const { results, left } = await diagnose(config, { origins, fix: fix && hasRules, report, signal })
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length
  const summary = { ok: count('ok'), failed: count('failed'), unknown: count('unknown') }
  const needsCors = results.some(({ check, outcome }) => check.startsWith('cors:') && outcome === 'failed')
  const cors = needsCors && hasRules ? corsJson(origins) : null
  const interrupted = signal.aborted
  if (left.length > 0) printNote(`Could not delete these test objects: ${left.join(', ')}`)
  if (options.json) printJson({ ok: summary.failed === 0 && !interrupted, interrupted, summary, results, cors, left })
  else printEnd(summary, cors)
  return interrupted ? 130 : summary.failed > 0 ? 1 : 0
}

/** Prints a heading per group and a line per check, as they finish. */
function startLines(): (result: Result) => void {
  let group = ''
  return (result) => {
    if (result.group !== group) printResult(`${group === '' ? '' : '\n'}${heading[result.group] ?? result.group}`)
    group = result.group
    printResult(line(result))
  }
}

/** The origins that the configuration allows. `*` names none. */
function configuredOrigins({ cors, server }: Config): string[] {
  const own = server.publicUrl === 'auto' ? [] : [new URL(server.publicUrl).origin]
  return [...new Set([...cors.origins.filter((origin) => origin !== '*'), ...own])]
}

const heading: Readonly<Record<string, string>> = {
  disk: 'Disk',
  urls: 'Public URLs',
  tokens: 'Tokens',
  public: 'Public files',
  bucket: 'Bucket',
  endpoint: 'Objects endpoint',
}
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
  printResult(`\n${ok} passed, ${failed} failed, ${unknown} not checked.`)
}
