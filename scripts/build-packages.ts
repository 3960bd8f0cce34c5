/**
 * Writes the packages to publish to dist/packages. `postern` is the server with all modules. `@postern/client` and
 * `@postern/react` are the browser modules, for a front end that does not install the server.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

type Manifest = Record<string, unknown> & {
  version: string
  files: string[]
  devDependencies: Record<string, string>
}

/** Copies from `dist`, so call it last. */
export function buildPackages(dist: string): void {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  buildPostern(join(dist, 'packages', 'postern'), manifest)
  buildClient(dist, manifest)
  buildReact(dist, manifest)
}

const ofCheckout = new Set(['allowScripts', 'devDependencies', 'scripts'])

/** The files that the checkout's manifest lists, at the same paths. */
function buildPostern(folder: string, manifest: Manifest): void {
  for (const path of [...manifest.files, 'README.md', 'LICENSE']) {
    cpSync(join(root, path), join(folder, path), { recursive: true })
  }
  const published = Object.entries(manifest).filter(([name]) => !ofCheckout.has(name))
  writeManifest(folder, Object.fromEntries(published))
}

function buildClient(dist: string, manifest: Manifest): void {
  const folder = join(dist, 'packages', 'client')
  cpSync(join(dist, 'client'), folder, { recursive: true })
  addTexts(folder, 'client')
  writeManifest(folder, {
    ...common(manifest, '@postern/client', 'Uploads and downloads through a Postern gateway, from a browser.'),
    exports: {
      '.': { types: './index.d.ts', default: './index.js' },
      './uppy': { types: './uppy.d.ts', default: './uppy.js' },
      './package.json': './package.json',
    },
  })
}

function buildReact(dist: string, manifest: Manifest): void {
  const folder = join(dist, 'packages', 'react')
  cpSync(join(dist, 'react'), folder, { recursive: true })
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (!/\.(?:js|d\.ts)$/.test(name)) continue
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(/(["'])\.\.\/client\/index\.(?:js|ts)\1/g, '$1@postern/client$1'),
    )
  }
  addTexts(folder, 'react')
  writeManifest(folder, {
    ...common(manifest, '@postern/react', 'Upload hooks and a drop zone for React, on a Postern gateway.'),
    exports: {
      '.': { types: './index.d.ts', default: './index.js' },
      './styles.css': './styles.css',
      './package.json': './package.json',
    },
    sideEffects: ['./styles.css'],
    dependencies: {
      '@postern/client': manifest.version,
      'react-dropzone': manifest.devDependencies['react-dropzone'],
    },
    peerDependencies: { react: '>=18' },
  })
}

const common = ({ version, license, repository }: Manifest, name: string, description: string) => ({
  name,
  version,
  description,
  license,
  repository,
  type: 'module',
  sideEffects: false,
})

function addTexts(folder: string, name: 'client' | 'react'): void {
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  cpSync(join(root, 'src', name, 'README.md'), join(folder, 'README.md'))
}

function writeManifest(folder: string, manifest: Record<string, unknown>): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}
