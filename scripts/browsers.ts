/**
 * `npm run test:browsers`: the browser suites in Chromium, Firefox and WebKitGTK. It ends with what each engine left out
 * and why. An engine that the machine lacks is a failure in CI; `test/browser/install.sh` installs them. Arguments go to
 * vitest.
 */
import { engines, missingEngine } from '../test/fixtures/browsers.ts'
import { type Report, runBin, runSuite } from './run-suite.ts'

const missing: string[] = []
for (const engine of engines) {
  const reason = await missingEngine(engine)
  if (reason) missing.push(`${engine}: ${reason}.`)
}

function figures(report: Report): string[] {
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const reasons = new Map<string, { whole: number; inPart: number }>()
  for (const { status, meta } of tests) {
    if (!meta.leftOut) continue
    const count = reasons.get(meta.leftOut) ?? { whole: 0, inPart: 0 }
    count[status === 'skipped' ? 'whole' : 'inPart']++
    reasons.set(meta.leftOut, count)
  }
  const sum = (kind: 'whole' | 'inPart'): number => [...reasons.values()].reduce((n, count) => n + count[kind], 0)
  return [
    ...[...reasons].map(([reason, { whole, inPart }]) => `LEFT OUT: ${whole}, and ${inPart} in part, in ${reason}`),
    `${engines.length - missing.length} engines, ${tests.length} scenarios, ${sum('whole')} left out, ${sum('inPart')} in part`,
  ]
}

const built = runBin('vite', 'bin/vite.js', ['build', '--config', 'src/console/vite.config.ts', '--logLevel', 'warn'])
if (built !== 0) process.exit(built)
runSuite({
  name: 'browsers',
  args: ['--config', 'vitest.browsers.config.ts', ...process.argv.slice(2)],
  missing,
  figures,
})
