/**
 * `npm start`: the built gateway. Builds the command and the console first if a source is newer than the build, and
 * prints the output of the build only if it fails. Arguments go to `postern serve`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '..')
const program = join(root, 'dist', 'cli', 'postern.js')
const built = [program, join(root, 'dist', 'console', 'index.html')]
const sources = ['src', 'scripts', 'package.json', 'package-lock.json']

/** Milliseconds since 1970. A folder counts too: its time changes when a file is deleted. */
function newest(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

function isBuilt(): boolean {
  if (!built.every((path) => existsSync(path))) return false
  const oldest = Math.min(...built.map((path) => statSync(path).mtimeMs))
  return sources.every((path) => newest(join(root, path)) < oldest)
}

if (!isBuilt()) {
  const build = spawnSync(process.execPath, [join(import.meta.dirname, 'build-program.ts')], { encoding: 'utf8' })
  if (build.status !== 0) {
    process.stderr.write(`${build.stdout}${build.stderr}\nThe build failed; see above.\n`)
    process.exit(build.status ?? 1)
  }
}
process.argv = [process.execPath, program, 'serve', ...process.argv.slice(2)]
await import(pathToFileURL(program).href)
