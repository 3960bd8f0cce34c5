/**
 * `npm run test:examples`: the examples that install packages, each started by its one command, and the packed package
 * in an empty project, both in Chromium. Arguments are handed to vitest.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const report = join(root, 'coverage', 'examples-report.json')

function run(script: string, args: readonly string[]): number {
  return spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' }).status ?? 1
}

// What is packed is what is in dist/.
const built = run(join(root, 'scripts', 'build.ts'), [])
if (built !== 0) process.exit(built)

rmSync(report, { force: true })
const options = ['--config', 'vitest.examples.config.ts', '--reporter=default', '--reporter=json']
const status = run(vitest, ['run', ...options, `--outputFile.json=${report}`, ...process.argv.slice(2)])
if (!existsSync(report)) {
  console.error('vitest ended before it ran a test; see above.')
  process.exit(status || 1)
}
type Report = { numPassedTests: number; numFailedTests: number }
const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8')) as Report
console.log(`${numPassedTests} passed, ${numFailedTests} failed`)
process.exit(status)
