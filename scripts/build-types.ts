/**
 * The declarations of the package's entries: those that tsc writes for the entries' modules and for the modules that
 * these refer to. They import no package but Node and React, so that an application compiles without the server's
 * dependencies.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { runBin } from './run-suite.ts'

const root = join(import.meta.dirname, '..')

const serverEntries = ['index.d.ts', 'testing/index.d.ts']
const browserEntries = ['client/index.d.ts', 'client/uppy.d.ts', 'react/index.d.ts']
const allowedPackages = /^(?:node:|react$|react-dropzone$)/

/**
 * Checks the types of the server and of the browser modules. Writes declarations to `types/` for the server, and next to
 * the modules for the browser. Throws when a declaration needs a package that users do not have.
 */
export function buildTypes(outDir: string): void {
  // Inside the checkout, so that tsc finds the packages that the types come from.
  mkdirSync(join(root, 'coverage'), { recursive: true })
  const emitted = mkdtempSync(join(root, 'coverage', 'types-'))
  try {
    compile('tsconfig.build.json', emitted)
    compile('tsconfig.browser.json', emitted)
    copyReachable(emitted, serverEntries, join(outDir, 'types'))
    copyReachable(emitted, browserEntries, outDir)
  } finally {
    rmSync(emitted, { recursive: true, force: true })
  }
}

function compile(project: string, outDir: string): void {
  const status = runBin('typescript', 'bin/tsc', ['--project', project, '--outDir', outDir])
  if (status !== 0) process.exit(status)
}

/** tsc keeps `.ts` in the imports of declarations; published ones name the module. */
const relativeImport = /((?:from|import)\s*\(?\s*)(["'])(\.[^"']*?)\.tsx?\2/g
const packageImport = /(?:from|import)\s*\(?\s*["']([^."'][^"']*)["']/g

function copyReachable(from: string, entries: readonly string[], to: string): void {
  const pending = entries.map((entry) => join(from, entry))
  const copied = new Set<string>()
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (copied.has(path)) continue
    copied.add(path)
    const text = readFileSync(path, 'utf8')
    const name = relative(from, path)
    for (const [, packageName = ''] of text.matchAll(packageImport)) {
      if (!allowedPackages.test(packageName)) {
        throw new Error(`The declarations of ${name} import "${packageName}", which users of the package do not have.`)
      }
    }
    for (const [, , , specifier = ''] of text.matchAll(relativeImport)) {
      pending.push(join(dirname(path), `${specifier}.d.ts`))
    }
    mkdirSync(dirname(join(to, name)), { recursive: true })
    writeFileSync(join(to, name), text.replace(relativeImport, '$1$2$3.js$2'))
  }
}
