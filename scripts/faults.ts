/**
 * `npm run test:faults`: kills, power cuts, failing system calls and full disks, done to a server that runs. It needs
 * root on Linux and a few programs; `test/faults/install.sh` installs them. What a machine lacks is said aloud and, in
 * CI, is a failure. POSTERN_FAULTS_SEED repeats a run. Arguments are handed to vitest.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { forgetFigures, readFigures } from '../test/faults/figures.ts'
import { missingSuites } from '../test/faults/tools.ts'

const root = join(import.meta.dirname, '..')
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const report = join(root, 'coverage', 'faults-report.json')

const missing = await missingSuites()
const exclude = [...new Set(missing.map(({ suite }) => suite))].flatMap((suite) => [
  '--exclude',
  `test/faults/${suite}.faults.ts`,
])
rmSync(report, { force: true })
forgetFigures()
const { status } = spawnSync(
  process.execPath,
  [
    vitest,
    'run',
    '--config',
    'vitest.faults.config.ts',
    ...process.argv.slice(2),
    ...exclude,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ],
  { cwd: root, stdio: 'inherit' },
)

type Report = { numPassedTests: number; numFailedTests: number; numPendingTests: number }
if (!existsSync(report)) {
  console.error('vitest ended before it ran a test; see above.')
  process.exit(status || 1)
}
const counts = JSON.parse(readFileSync(report, 'utf8')) as Report
for (const [suite, figures] of readFigures()) {
  const line = Object.entries(figures).map(([name, value]) => `${name}: ${value}`)
  console.log(`${suite}: ${line.join(', ')}`)
}
for (const { suite, reason } of missing) console.error(`NOT RUN: ${suite}: ${reason}.`)
if (counts.numPendingTests > 0) console.error(`NOT RUN: ${counts.numPendingTests} tests that were skipped.`)
const left = missing.length + counts.numPendingTests
console.log(
  `${counts.numPassedTests} passed, ${counts.numFailedTests} failed${left > 0 ? `, ${left} kinds not run` : ''}`,
)

if (status !== 0) process.exit(status ?? 1)
if (left > 0 && process.env['CI'] === 'true') {
  console.error('In CI everything must run.')
  process.exit(1)
}
