/**
 * `npm run test:browsers`: the browser suites in Chromium, Firefox and WebKitGTK. It names each engine that the machine
 * lacks, which is a failure in CI; `test/browser/install.sh` installs them. Arguments go to vitest.
 */
import { engines, missingEngine } from '../test/fixtures/browsers.ts'
import { runBin, runSuite } from './run-suite.ts'

const missing: string[] = []
for (const engine of engines) {
  const reason = await missingEngine(engine)
  if (reason) missing.push(`${engine}: ${reason}.`)
}
const built = runBin('vite', 'bin/vite.js', ['build', '--config', 'src/console/vite.config.ts', '--logLevel', 'warn'])
if (built !== 0) process.exit(built)
runSuite({ name: 'browsers', args: ['--config', 'vitest.browsers.config.ts', ...process.argv.slice(2)], missing })
