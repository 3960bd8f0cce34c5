/**
 * `npm run build`: checks the types, then writes to dist/ the command and the server entries, the browser's modules
 * within their budgets, the console's page, and the three packages to publish (dist/packages).
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { budgets, buildBrowser } from './build-browser.ts'
import { buildPackages } from './build-packages.ts'
import { buildServer } from './build-server.ts'
import { buildTypes } from './build-types.ts'
import { runBin } from './run-suite.ts'

const dist = join(import.meta.dirname, '..', 'dist')

rmSync(dist, { recursive: true, force: true })
buildTypes(dist)
await buildServer(dist)
const sizes = await buildBrowser(dist)
console.log(
  `postern/client ${sizes.client} of ${budgets.client} bytes gzipped, postern/react ${sizes.react} of ${budgets.react}`,
)
const status = runBin('vite', 'bin/vite.js', ['build', '--config', 'src/console/vite.config.ts', '--logLevel', 'warn'])
if (status !== 0) process.exit(status)
buildPackages(dist)
