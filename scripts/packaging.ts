/**
 * `npm run test:packaging`: reverse proxies, systemd and the image. What a machine lacks is said aloud and, in CI, is a
 * failure; `test/packaging/install.sh` installs it. Arguments are handed to vitest.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { missingSuites } from '../test/packaging/tools.ts'

const root = join(import.meta.dirname, '..')
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const report = join(root, 'coverage', 'packaging-report.json')

const missing = missingSuites()
const exclude = [...new Set(missing.map(({ suite }) => suite))].flatMap((suite) => [
  '--exclude',
  `test/packaging/${suite}.packaging.ts`,
])
rmSync(report, { force: true })
const { status } = spawnSync(
  process.execPath,
  [
    vitest,
    'run',
    '--config',
    'vitest.packaging.config.ts',
    ...process.argv.slice(2),
    ...exclude,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ],
  { cwd: root, stdio: 'inherit' },
)

type Report = { numPassedTests: number; numFailedTests: number; numPendingTests: number }
const counts = JSON.parse(readFileSync(report, 'utf8')) as Report
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
