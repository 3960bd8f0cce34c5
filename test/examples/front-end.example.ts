/** `@postern/client` and `@postern/react`, packed and installed without the server: Vite, Next.js, a plain page. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { launchChromium } from '../fixtures/chromium.ts'
import { runNpm, startNpm, startProgram, type Npm } from '../fixtures/npm.ts'
import { type EmptyProject, makeNextApp, makePlainPage, makeViteApp } from './empty-project.ts'
import { uploadFromPlainPage, uploadThroughReact, wasUploaded } from './page-uploads.ts'
import { serveFolder } from './serve-folder.ts'
import { limit } from '../fixtures/time-limit.ts'

const root = join(import.meta.dirname, '..', '..')
let browser: Browser
let gateway: Npm
let apiUrl: string

beforeAll(async () => {
  const options = ['dev', '--ephemeral', '--port', '0', '--set', 'objects.listen=127.0.0.1:0']
  gateway = startProgram(process.execPath, [join(root, 'src', 'cli', 'postern.ts'), ...options], { cwd: root })
  apiUrl = (await gateway.until(/^POSTERN_URL=(\S+)$/m))[1]!
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await gateway?.stop()
})

async function serve(folder: string): Promise<string> {
  const pages = await serveFolder(folder)
  onTestFinished(() => pages.close())
  return pages.url
}

const exec = (project: EmptyProject, args: readonly string[], env: Record<string, string> = {}): Promise<string> =>
  runNpm(['exec', '--offline', '--', ...args], { cwd: project.folder, env })

describe('a Vite application', () => {
  let project: EmptyProject
  beforeAll(async () => {
    project = await makeViteApp()
  })
  afterAll(() => project?.remove())

  it('resolves its types in strict mode', async () => {
    const compilerOptions = {
      module: 'esnext',
      moduleResolution: 'bundler',
      target: 'es2022',
      jsx: 'react-jsx',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: [],
      lib: ['es2024', 'dom', 'dom.iterable'],
    }
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['main.tsx', 'vite-env.d.ts'] }))
    const checking = startNpm(['exec', '--offline', '--', 'tsc'], { cwd: project.folder })
    await checking.ended
    // Errors in the declarations of other packages are not ours.
    const foreign = /^node_modules\/(?!@postern\/)/
    const errors = checking.output().match(/^.*error TS.*$/gm) ?? []
    expect(errors.filter((line) => !foreign.test(line))).toEqual([])
  })

  it('builds, and uploads', async () => {
    await exec(project, ['vite', 'build', '--logLevel', 'warn'], { VITE_POSTERN_URL: apiUrl })
    expect(await uploadThroughReact(browser, await serve(join(project.folder, 'dist')))).toEqual(wasUploaded)
  })
})

describe('a Next.js application', () => {
  let project: EmptyProject
  beforeAll(async () => {
    project = await makeNextApp()
  })
  afterAll(() => project?.remove())

  it('builds to static files, and uploads', { timeout: limit(240_000) }, async () => {
    await exec(project, ['next', 'build'], { NEXT_PUBLIC_POSTERN_URL: apiUrl, NEXT_TELEMETRY_DISABLED: '1' })
    expect(await uploadThroughReact(browser, await serve(join(project.folder, 'out')))).toEqual(wasUploaded)
  })
})

describe('a page without a bundler', () => {
  let project: EmptyProject
  beforeAll(async () => {
    project = await makePlainPage()
  })
  afterAll(() => project?.remove())

  it('installs one package of under 100 KB, without dependencies', () => {
    const modules = join(project.folder, 'node_modules')
    const client = join(modules, '@postern', 'client')
    const bytes = readdirSync(client).reduce((sum, name) => sum + statSync(join(client, name)).size, 0)
    expect(bytes).toBeLessThan(100_000)
    expect(readdirSync(modules).filter((name) => !name.startsWith('.'))).toEqual(['@postern'])
    expect(readdirSync(join(modules, '@postern'))).toEqual(['client'])
  })

  it('uploads, and computes the checksum in the Worker', async () => {
    const url = `${await serve(project.folder)}/index.html?api=${encodeURIComponent(apiUrl)}`
    expect(await uploadFromPlainPage(browser, url)).toEqual({ isSame: true, faults: [] })
  })
})

describe.each(['postern', 'client', 'react'])('the package in dist/packages/%s', (name) => {
  const folder = join(root, 'dist', 'packages', name)
  const lint = (args: readonly string[]): Promise<string> => runNpm(['exec', '--offline', '--', ...args], { cwd: root })

  it('passes publint', async () => {
    expect(await lint(['publint', '--strict', folder])).toContain('All good')
  })

  it('passes arethetypeswrong', async () => {
    const stylesheets = ['--exclude-entrypoints', 'styles.css', './react/styles.css']
    const report = await lint(['attw', '--pack', folder, '--profile', 'esm-only', ...stylesheets])
    expect(report).toContain('🟢 (ESM)')
  })
})
