/**
 * The declarations of the package's entries, one file or few per entry. Those of the server hold the types of every
 * bundled dependency, so that an application needs none of those packages to compile.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown, type ExternalOption, type Plugin } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import { runBin } from './run-suite.ts'

const root = join(import.meta.dirname, '..')

/** zod's package lists its CommonJS declarations first, which cannot be bundled. Its error texts play no part in types. */
const zodModules: Plugin = {
  name: 'zod-modules',
  resolveId: {
    order: 'pre',
    handler: (id) => {
      if (id === 'zod') return join(root, 'node_modules/zod/index.d.ts')
      return id.includes('/locales/') ? '\0no-locales.d.ts' : null
    },
  },
  load: (id) => (id === '\0no-locales.d.ts' ? 'export {}' : null),
}

/** The types of `postern/react` refer to those of the client next to it. */
const clientNextToIt: Plugin = {
  name: 'client-next-to-it',
  resolveId: {
    order: 'pre',
    handler: (id, importer) =>
      id.endsWith('/client/index.ts') && importer?.includes('/react/')
        ? { id: '../client/index.js', external: true }
        : null,
  },
}

/** Checks the types of the server and of the browser modules, and writes their declarations below `outDir`. */
export async function buildTypes(outDir: string): Promise<void> {
  // Inside the checkout, so that the packages of the types are found.
  mkdirSync(join(root, 'coverage'), { recursive: true })
  const separate = mkdtempSync(join(root, 'coverage', 'types-'))
  try {
    compile('tsconfig.build.json', separate)
    compile('tsconfig.browser.json', separate)
    await bundle({ from: separate, outDir, entries: ['index', 'testing/index'], external: [/^node:/] })
    await bundle({ from: separate, outDir, entries: ['client/index', 'client/uppy'] })
    await bundle({ from: separate, outDir, entries: ['react/index'], external: [/^react(-dropzone)?$/] })
  } finally {
    rmSync(separate, { recursive: true, force: true })
  }
}

async function bundle(o: {
  from: string
  outDir: string
  entries: string[]
  external?: ExternalOption
}): Promise<void> {
  const folder = o.entries[0]!.split('/').slice(0, -1).join('/')
  const build = await rolldown({
    cwd: o.from,
    input: Object.fromEntries(o.entries.map((name) => [name, `${name}.d.ts`])),
    plugins: [zodModules, clientNextToIt, dts({ dtsOnly: true, tsconfig: false, generator: 'oxc' })],
    external: o.external ?? [],
    onLog: (level, log) => {
      if (level === 'warn' && log.code !== 'PLUGIN_TIMINGS')
        throw new Error(`Bundling the declarations: ${log.message}`)
    },
  })
  await build.write({ dir: o.outDir, format: 'es', chunkFileNames: join(folder, 'types.d.ts') })
  await build.close()
}

function compile(project: string, outDir: string): void {
  const status = runBin('typescript', 'bin/tsc', ['--project', project, '--outDir', outDir])
  if (status !== 0) process.exit(status)
}
