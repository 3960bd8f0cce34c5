/**
 * Writes the `postern` command and the package's two server entries to dist/cli. They share a few files that contain all
 * dependencies but the SQLite addon: a bundle starts faster than a thousand modules and installs without packages.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin } from 'vite'

const root = join(import.meta.dirname, '..')

/** It has a binary. */
const external = ['better-sqlite3']

/** As in src/http/node-http.ts, for the packages too. */
const leanHttp: Plugin = {
  name: 'lean-http',
  enforce: 'pre',
  resolveId: (id) => (/^(?:node:)?http$/.test(id) ? '\0lean-http.cjs' : null),
  load: (id) => (id === '\0lean-http.cjs' ? `module.exports = process.getBuiltinModule('node:http')` : null),
}

/** Builds below `outDir`; the licences of what went in are put beside it. */
export async function buildServer(outDir: string): Promise<void> {
  const packages = new Set<string>()
  const notePackages: Plugin = {
    name: 'note-packages',
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        for (const id of chunk.type === 'chunk' ? chunk.moduleIds : []) {
          const folder = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0]
          if (folder !== undefined) packages.add(folder)
        }
      }
    },
  }
  const cli = join(outDir, 'cli')
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    plugins: [leanHttp, notePackages],
    ssr: { noExternal: true, target: 'node' },
    // Data alone, and three copies of it otherwise.
    resolve: { dedupe: ['mime-db'] },
    build: {
      ssr: true,
      outDir: cli,
      target: 'node22',
      minify: false,
      sourcemap: false,
      emptyOutDir: true,
      rolldownOptions: {
        external,
        // depd evaluates a function that it puts together; nothing here renames what that one refers to.
        checks: { eval: false, ineffectiveDynamicImport: false },
        input: {
          postern: join(root, 'src/cli/postern.ts'),
          library: join(root, 'src/index.ts'),
          testing: join(root, 'src/testing/index.ts'),
          'supported-node': join(root, 'src/supported-node.ts'),
          // A thread of its own, found beside the file that starts it.
          'hash-worker': join(root, 'src/drivers/disk/hash-worker.ts'),
        },
        output: {
          chunkFileNames: '[name].js',
          entryFileNames: '[name].js',
          minify: { compress: false, mangle: false, codegen: { removeWhitespace: false } },
        },
      },
    },
  })
  // The modules of dist/cli find the console and the default configuration relative to their own folder. An old Node
  // must fail with a sentence before the SQLite addon is loaded, which ends the process.
  const entry = (folder: string, name: string): string =>
    `import '${folder}/supported-node.js'\nexport * from '${folder}/${name}.js'\n`
  writeFileSync(join(outDir, 'index.js'), entry('./cli', 'library'))
  mkdirSync(join(outDir, 'testing'), { recursive: true })
  writeFileSync(join(outDir, 'testing', 'index.js'), entry('../cli', 'testing'))
  writeFileSync(join(cli, 'LICENSES.txt'), [...packages].toSorted().map(licenceOf).join('\n'))
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >
  const file = readdirSync(folder).find((entry) => /^(?:licen[sc]e|copying)/i.test(entry))
  const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
  return `${String(name)} ${String(version)}, ${String(license)}\n${text}`
}
