/**
 * `npm run test:recipes`: every project of examples/testing, by `npx postern exec` of the packed package. `-t NAME` runs
 * one. `npm run test:examples` runs the same without Rust.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { runSuite } from './run-suite.ts'

process.env['TEST_RECIPES'] = 'all'
const built = spawnSync(process.execPath, [join(import.meta.dirname, 'build.ts')], { stdio: 'inherit' }).status
if (built !== 0) process.exit(built ?? 1)
const file = 'test/examples/exec-recipes.example.ts'
runSuite({ name: 'recipes', args: ['--config', 'vitest.examples.config.ts', file, ...process.argv.slice(2)] })
