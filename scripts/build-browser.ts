/**
 * dist/client and dist/react: ES modules that a page can load as they are, each no larger than its
 * budget. Types are tsc's.
 */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Plugin } from 'vite'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

/** Bytes, gzipped: what a page pays before the first upload. The Worker with its WebAssembly comes when it is needed. */
export const budgets = { client: 8 * 1024, react: 6 * 1024 } as const

export type Sizes = Record<keyof typeof budgets, number>

const workerUrl = 'new URL("./checksum-worker.js",import.meta.url)'
/** As long as the text that it replaces. */
const placeholder = '__WORKER_URL__'.padEnd(workerUrl.length, '_')

/** The URL of the Worker stays as it is written, for the bundler of the page to find: this build leaves it alone. */
const keepWorkerUrl: Plugin = {
  name: 'keep-worker-url',
  enforce: 'pre',
  transform: {
    filter: { id: /client[\\/]checksum\.ts$/ },
    handler: (code) => ({
      code: code.replace("new URL('./checksum-worker.ts', import.meta.url)", placeholder),
      map: null,
    }),
  },
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === 'chunk') chunk.code = chunk.code.replace(placeholder, workerUrl)
    }
  },
}

/** `postern/react` uses the client that stands beside it in dist. */
const clientBeside: Plugin = {
  name: 'client-beside',
  enforce: 'pre',
  resolveId: (id) => (id === '../client/index.ts' ? { id: '../client/index.js', external: true } : null),
}

/** Builds below `outDir`. Throws when something has grown over its budget. */
export async function buildBrowser(outDir: string): Promise<Sizes> {
  const shared = { root, configFile: false, logLevel: 'warn', publicDir: false } as const
  await build({
    ...shared,
    plugins: [keepWorkerUrl],
    build: {
      ...target(join(outDir, 'client')),
      rolldownOptions: { output },
      lib: {
        entry: {
          index: join(src, 'client/index.ts'),
          uppy: join(src, 'client/uppy.ts'),
          'checksum-worker': join(src, 'client/checksum-worker.ts'),
        },
        formats: ['es'],
      },
    },
  })
  await build({
    ...shared,
    plugins: [clientBeside],
    build: {
      ...target(join(outDir, 'react')),
      lib: {
        entry: { index: join(src, 'react/index.ts') },
        formats: ['es'],
      },
      rolldownOptions: { output, external: [/^react($|\/)/, /^react-dom($|\/)/, 'react-dropzone'] },
    },
  })
  copyFileSync(join(src, 'react/styles.css'), join(outDir, 'react/styles.css'))
  return checkSizes(outDir)
}

const target = (outDir: string) => ({ outDir, emptyOutDir: false, target: 'es2022' })
/** Vite leaves the white space in libraries; these are also loaded without a bundler. */
const output = { minify: true, chunkFileNames: '[name].js' }

function checkSizes(outDir: string): Sizes {
  const size = (name: string): number => gzipSync(readFileSync(join(outDir, name, 'index.js')), { level: 9 }).length
  const sizes = { client: size('client'), react: size('react') }
  for (const name of ['client', 'react'] as const) {
    if (sizes[name] <= budgets[name]) continue
    throw new Error(`postern/${name} is ${sizes[name]} bytes gzipped; its budget is ${budgets[name]}.`)
  }
  return sizes
}
