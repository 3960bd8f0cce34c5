/** `npm pack`, installed in an empty project: with Vite, with plain script tags, in Node, as a command. */
import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../cli/free-port.ts'
import { launchChromium } from '../fixtures/chromium.ts'
import { runNpm, startNpm, startProgram, type Npm } from '../fixtures/npm.ts'
import { everyEntry, makeProject, mounting, plainPage } from './empty-project.ts'
import { uploadFromPlainPage, uploadThroughReact, wasUploaded } from './page-uploads.ts'
import { serveFolder } from './serve-folder.ts'

describe('postern, installed in an empty project', () => {
  let project: Awaited<ReturnType<typeof makeProject>>
  let gateway: Npm
  let apiUrl: string
  let browser: Browser

  beforeAll(async () => {
    project = await makeProject()
    const { folder } = project
    const options = ['--json', '--dev', '--storage', join(folder, 'data'), '--port', '0']
    gateway = startNpm(
      ['exec', '--offline', '--', 'postern', 'serve', ...options, '--set', 'objects.listen=127.0.0.1:0'],
      {
        cwd: folder,
      },
    )
    const [line] = await gateway.until(/^\{.*"api".*\}$/m)
    apiUrl = (JSON.parse(line) as { api: string }).api
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await gateway?.stop()
    project?.remove()
  })

  const run = (...args: string[]): Promise<string> =>
    runNpm(['exec', '--offline', '--', ...args], { cwd: project.folder })

  it('contains only the program and its types', () => {
    const { packed, folder } = project
    const allowed =
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|config\/default\.yaml|dist\/.+\.(js|d\.ts|css|html|svg|txt))$/
    expect(packed.filter((path) => !allowed.test(path))).toEqual([])
    expect(packed.filter((path) => /(^|[/.])(tests?|fixtures|bench)[/.]|secrets\.json$|\.sqlite/.test(path))).toEqual(
      [],
    )
    const installed = join(folder, 'node_modules', 'postern')
    const here = join(import.meta.dirname, '..', '..')
    for (const path of packed) {
      const text = readFileSync(join(installed, path), 'utf8')
      expect(text).not.toContain(here)
      expect(text).not.toMatch(/^\/\/# sourceMappingURL=/m)
    }
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
      dependencies: object
    }
    expect(Object.keys(dependencies)).toEqual(['better-sqlite3'])
  })

  it.for(['bundler', 'nodenext'])('has types that resolve strictly, by %s', async (moduleResolution) => {
    const module = moduleResolution === 'bundler' ? 'esnext' : 'nodenext'
    project.write('every-entry.ts', everyEntry)
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      jsx: 'react-jsx',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      lib: ['es2024', 'esnext.disposable', 'dom', 'dom.iterable'],
      types: ['node'],
    }
    const include = ['every-entry.ts', 'main.tsx', 'vite-env.d.ts']
    project.write(`tsconfig.${moduleResolution}.json`, JSON.stringify({ compilerOptions, include }))
    const tsc = ['tsc', '--listFiles', '--project', `tsconfig.${moduleResolution}.json`]
    const checking = startNpm(['exec', '--offline', '--', ...tsc], { cwd: project.folder })
    await checking.ended
    const output = checking.output()
    for (const entry of ['types/index', 'types/testing/index', 'client/index', 'client/uppy', 'react/index']) {
      expect(output).toContain(`node_modules/postern/dist/${entry}.d.ts`)
    }
    const errors = output.match(/^.*error TS.*$/gm) ?? []
    // Errors in the declarations of other packages are not ours.
    const foreign = /^node_modules\/(?!postern\/)/
    expect(errors.filter((line) => !foreign.test(line))).toEqual([])
  })

  it('builds with Vite, and uploads', async () => {
    const env = { VITE_POSTERN_URL: apiUrl }
    await runNpm(['exec', '--offline', '--', 'vite', 'build', '--logLevel', 'warn'], { cwd: project.folder, env })
    const pages = await serveFolder(join(project.folder, 'dist'))
    onTestFinished(() => pages.close())
    expect(await uploadThroughReact(browser, pages.url)).toEqual(wasUploaded)
  })

  it("uploads from Vite's development server", async () => {
    const port = await freePort()
    const env = { VITE_POSTERN_URL: apiUrl, PORT: String(port) }
    const vite = startNpm(['exec', '--offline', '--', 'vite'], { cwd: project.folder, env })
    onTestFinished(() => vite.stop())
    await vite.until(/ready in/)
    expect(await uploadThroughReact(browser, `http://localhost:${port}/`)).toEqual(wasUploaded)
  })

  it('uploads from a page with plain script tags, and computes the checksum in the Worker', async () => {
    project.write('plain.html', plainPage('/node_modules/postern/dist/client'))
    const pages = await serveFolder(project.folder)
    onTestFinished(() => pages.close())
    const url = `${pages.url}/plain.html?api=${encodeURIComponent(apiUrl)}`
    expect(await uploadFromPlainPage(browser, url)).toEqual({ isSame: true, faults: [] })
  })

  it('can be mounted in another server', async () => {
    const port = String(await freePort())
    project.write('mount.js', mounting)
    const data = await mkdtemp(join(project.folder, 'mounted-'))
    const server = startProgram(process.execPath, ['mount.js', data, port], { cwd: project.folder })
    onTestFinished(() => server.stop())
    await server.until(/"driver":"disk"/)
    const base = `http://127.0.0.1:${port}`
    const post = async (path: string, body: object): Promise<Record<string, string>> => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) })
      expect(answer.ok).toBe(true)
      return (await answer.json()) as Record<string, string>
    }
    expect(await (await fetch(`${base}/mine`)).text()).toBe('my own page')
    const { uploadUrl, id } = await post('/files/upload-url', { filename: 'a.txt', mimeType: 'text/plain' })
    expect(uploadUrl).toMatch(`${base}/objects/postern/`)
    const put = await fetch(uploadUrl!, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'bytes' })
    expect(put.status).toBe(200)
    await post('/files/confirm', { id: id! })
    expect(await (await fetch(`${base}/files/${id}/content`)).text()).toBe('bytes')
  })

  it('names the required Node version on an older one', async () => {
    const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`
    const args = ['--import', `data:text/javascript,${encodeURIComponent(older)}`, '--eval', "import('postern')"]
    const embedding = startProgram(process.execPath, args, { cwd: project.folder })
    expect(await embedding.ended).toBe(1)
    expect(embedding.output()).toContain('postern needs Node 22.18 or newer, and this is Node 20.20.2.')
  })

  it('starts development mode when the command has no arguments', async () => {
    const data = await mkdtemp(join(project.folder, 'started-'))
    const ports = ['--port', '0', '--set', 'objects.listen=127.0.0.1:0']
    const args = ['exec', '--offline', '--', 'postern', '--storage', data, ...ports]
    const dev = startNpm(args, { cwd: project.folder })
    onTestFinished(() => dev.stop())
    const [, url] = await dev.until(/^POSTERN_URL=(\S+)$/m)
    const body = JSON.stringify({ filename: 'notes.md', mimeType: 'text/markdown' })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${url}/files/upload-url`, { method: 'POST', headers, body })).status).toBe(200)
  })

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(join(project.folder, 'node_modules/postern/package.json'), 'utf8')) as {
      version: string
    }
    expect(await run('postern', '--version')).toContain(version)
    expect((await fetch(`${apiUrl}/`)).headers.get('content-type')).toContain('text/html')
  })
})
