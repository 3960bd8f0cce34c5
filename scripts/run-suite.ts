/** One run of vitest with a report, whose end says aloud what was not run; in CI that is a failure. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const root = join(import.meta.dirname, '..')

/** Runs a package's own JavaScript with this Node: no shell, so it is the same on every system. */
export function runBin(packageName: string, bin: string, args: readonly string[]): number {
  const script = join(dirname(require.resolve(`${packageName}/package.json`)), bin)
  return spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' }).status ?? 1
}

export type Report = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  /** `leftOut`: why a test was skipped, or run in part. */
  testResults: { assertionResults: { status: string; meta: { leftOut?: string } }[] }[]
}

/**
 * Ends the process: 0 when all that can be run passed. `name` is that of the report below coverage/, `missing` says
 * what this machine lacks.
 */
export function runSuite(o: {
  name: string
  /** For vitest. */
  args: readonly string[]
  exclude?: readonly string[]
  missing?: readonly string[]
  /** Prints the progress instead of the names of the tests that pass. */
  brief?: boolean
  /** Printed before the counts. */
  figures?: (report: Report) => readonly string[]
}): never {
  const report = join(root, 'coverage', `${o.name}-report.json`)
  rmSync(report, { force: true })
  const exclude = (o.exclude ?? []).flatMap((pattern) => ['--exclude', pattern])
  const progress = join(import.meta.dirname, 'progress-reporter.ts')
  const shown = o.brief ? ['--reporter=minimal', `--reporter=${progress}`] : ['--reporter=default']
  const reporters = [...shown, '--reporter=json', `--outputFile.json=${report}`]
  const status = runBin('vitest', 'vitest.mjs', ['run', ...o.args, ...exclude, ...reporters])
  if (!existsSync(report)) {
    console.error('vitest ended before it ran a test; see above.')
    process.exit(status || 1)
  }
  const counts = JSON.parse(readFileSync(report, 'utf8')) as Report
  for (const line of o.figures?.(counts) ?? []) console.log(line)
  const explained = counts.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter((test) => test.status === 'skipped' && test.meta.leftOut)
  const skipped = counts.numPendingTests + counts.numTodoTests - explained.length
  const notRun = [...(o.missing ?? []), ...(skipped > 0 ? [`${skipped} tests that are marked as skipped`] : [])]
  for (const reason of notRun) console.error(`NOT RUN: ${reason}`)
  const left = notRun.length > 0 ? `, ${notRun.length} kinds not run` : ''
  console.log(`${counts.numPassedTests} passed, ${counts.numFailedTests} failed${left}`)
  if (status === 0 && notRun.length > 0 && process.env['CI'] === 'true') {
    console.error('In CI everything must run.')
    process.exit(1)
  }
  process.exit(status)
}

/** Suites that need what a machine may lack, one file each: `test/<name>/<suite>.<name>.ts`. */
export function runNeedy(
  o: { name: string; missing: readonly { suite: string; reason: string }[] } & Pick<
    Parameters<typeof runSuite>[0],
    'figures'
  >,
): never {
  const { name, missing } = o
  return runSuite({
    name,
    args: ['--config', `vitest.${name}.config.ts`, ...process.argv.slice(2)],
    exclude: [...new Set(missing.map(({ suite }) => suite))].map((suite) => `test/${name}/${suite}.${name}.ts`),
    missing: missing.map(({ suite, reason }) => `${suite}: ${reason}.`),
    ...(o.figures ? { figures: o.figures } : {}),
  })
}
