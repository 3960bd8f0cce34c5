/** `npm run build`: type-checked JavaScript to dist/, the browser's modules within their budgets, the console's page. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { budgets, buildBrowser } from './build-browser.ts'
import { buildServer } from './build-server.ts'
import { runBin } from './run-suite.ts'

const root = join(import.meta.dirname, '..')

function run(packageName: string, bin: string, args: string[]): void {
  const status = runBin(packageName, bin, args)
  if (status !== 0) process.exit(status)
}

rmSync(join(root, 'dist'), { recursive: true, force: true })
run('typescript', 'bin/tsc', ['--project', 'tsconfig.build.json'])
await buildServer(join(root, 'dist'))
run('typescript', 'bin/tsc', ['--project', 'tsconfig.browser.json'])
const sizes = await buildBrowser(join(root, 'dist'))
console.log(
  `postern/client ${sizes.client} of ${budgets.client} bytes gzipped, postern/react ${sizes.react} of ${budgets.react}`,
)
run('vite', 'bin/vite.js', ['build', '--config', 'src/console/vite.config.ts', '--logLevel', 'warn'])
