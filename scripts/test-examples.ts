/**
 * `npm run test:examples`: the examples that install packages, each started by its one command, and the packed package
 * in an empty project, both in Chromium. Arguments are handed to vitest.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { runSuite } from './run-suite.ts'

// What is packed is what is in dist/.
const built = spawnSync(process.execPath, [join(import.meta.dirname, 'build.ts')], { stdio: 'inherit' }).status
if (built !== 0) process.exit(built ?? 1)
runSuite({ name: 'examples', args: ['--config', 'vitest.examples.config.ts', ...process.argv.slice(2)] })
