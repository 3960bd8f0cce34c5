/** `npm run build`: type-checked JavaScript to dist/, the browser's modules within their budgets, the console's page. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { budgets, buildBrowser } from './build-browser.ts'
import { buildServer } from './build-server.ts'

const require = createRequire(import.meta.url)
const root = join(import.meta.dirname, '..')

/** Runs a package's own JavaScript with this Node: no shell, so it is the same on every system. */
function run(packageName: string, bin: string, args: string[]): void {
  const script = join(dirname(require.resolve(`${packageName}/package.json`)), bin)
  const done = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
  if (done.status !== 0) process.exit(done.status ?? 1)
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
