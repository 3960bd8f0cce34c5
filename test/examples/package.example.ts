/** `npm pack`, installed in an empty project: with Vite, with plain script tags, in Node, as a command. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../cli/free-port.ts'
import { launchChromium } from '../fixtures/chromium.ts'
import { runNpm, startNpm, startProgram, type Npm } from '../fixtures/npm.ts'
import { digest, followedDigest, sampleFile } from '../fixtures/run-example.ts'
import { type EmptyProject, everyEntry, makeProject, mounting, plainPage } from './empty-project.ts'
import { serveFolder } from './serve-folder.ts'

describe('the package, installed in an empty project', () => {
  let project: EmptyProject
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

  async function open(url: string): Promise<{ page: Page; faults: string[] }> {
    const page = await browser.newPage()
    page.setDefaultTimeout(30_000)
    onTestFinished(() => page.close())
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    await page.goto(url)
    return { page, faults }
  }

  /** Whether what was sent came back, how many Workers it took, and what went wrong. */
  async function uploadThroughReact(url: string): Promise<{ isSame: boolean; workers: number; faults: string[] }> {
    const { page, faults } = await open(url)
    let workers = 0
    page.on('worker', () => workers++)
    const { name, path, sha256 } = await sampleFile('from react é (1).txt', 40_000)
    await page.locator('.postern-dropzone input').setInputFiles(path)
    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: `Download ${name}` }).click()
    const download = await downloading
    return { isSame: digest(await readFile(await download.path())) === sha256, workers, faults }
  }
  const good = { isSame: true, workers: 1, faults: [] }

  it('holds what is run, its types and its maps, and nothing else', () => {
    const { packed, folder } = project
    const allowed =
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|config\/default\.yaml|dist\/.+\.(js|d\.ts|js\.map|css|html|svg|txt))$/
    expect(packed.filter((path) => !allowed.test(path))).toEqual([])
    expect(packed.filter((path) => /(^|[/.])(tests?|fixtures|bench)[/.]|secrets\.json$|\.sqlite/.test(path))).toEqual(
      [],
    )
    const installed = join(folder, 'node_modules', 'postern')
    for (const path of packed.filter((name) => name.endsWith('.js.map'))) {
      const map = JSON.parse(readFileSync(join(installed, path), 'utf8')) as {
        sources: string[]
        sourcesContent?: (string | null)[]
      }
      const missing = map.sources.filter(
        (source, i) => !map.sourcesContent?.[i] && !existsSync(join(installed, dirname(path), source)),
      )
      expect([path, missing]).toEqual([path, []])
    }
    for (const entry of ['index.js', 'client/index.js', 'client/uppy.js', 'react/index.js', 'cli/postern.js']) {
      expect(packed).toContain(`dist/${entry}.map`)
      expect(readFileSync(join(installed, 'dist', entry), 'utf8')).toMatch(/\/\/# sourceMappingURL=[\w.]+\.js\.map\s*$/)
    }
    const here = join(import.meta.dirname, '..', '..')
    for (const path of packed) expect(readFileSync(join(installed, path), 'utf8')).not.toContain(here)
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
    for (const entry of ['index', 'client/index', 'client/uppy', 'react/index']) {
      expect(output).toContain(`node_modules/postern/dist/${entry}.d.ts`)
    }
    const errors = output.match(/^.*error TS.*$/gm) ?? []
    // What other packages say of each other is theirs to mend.
    const foreign = /^node_modules\/(?!postern\/)/
    expect(errors.filter((line) => !foreign.test(line))).toEqual([])
  })

  it('builds with Vite, and uploads', async () => {
    const env = { VITE_POSTERN_URL: apiUrl }
    await runNpm(['exec', '--offline', '--', 'vite', 'build', '--logLevel', 'warn'], { cwd: project.folder, env })
    const pages = await serveFolder(join(project.folder, 'dist'))
    onTestFinished(() => pages.close())
    expect(await uploadThroughReact(pages.url)).toEqual(good)
  })

  it("uploads from Vite's development server", async () => {
    const port = await freePort()
    const env = { VITE_POSTERN_URL: apiUrl, PORT: String(port) }
    const vite = startNpm(['exec', '--offline', '--', 'vite'], { cwd: project.folder, env })
    onTestFinished(() => vite.stop())
    await vite.until(/ready in/)
    expect(await uploadThroughReact(`http://localhost:${port}/`)).toEqual(good)
  })

  it('uploads from a page with plain script tags, its checksum made in the Worker', async () => {
    project.write('plain.html', plainPage)
    const pages = await serveFolder(project.folder)
    onTestFinished(() => pages.close())
    const { page, faults } = await open(`${pages.url}/plain.html?api=${encodeURIComponent(apiUrl)}`)
    const { path, sha256 } = await sampleFile('plain.txt', 40_000)
    await page.getByLabel('File').setInputFiles(path)
    const status = page.getByRole('status').filter({ hasText: 'sha256' })
    const [, href] = (await status.textContent())!.split(' ')
    expect(await followedDigest(page, href!)).toBe(sha256)
    expect(faults).toEqual([])
  })

  it('mounts in a server of the user’s own', async () => {
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

  it('says to a Node that is too old what it needs', async () => {
    const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`
    const args = ['--import', `data:text/javascript,${encodeURIComponent(older)}`, '--eval', "import('postern')"]
    const embedding = startProgram(process.execPath, args, { cwd: project.folder })
    expect(await embedding.ended).toBe(1)
    expect(embedding.output()).toContain('postern needs Node 22.18 or newer, and this is Node 20.20.2.')
  })

  it('has a command that says its version', async () => {
    const { version } = JSON.parse(readFileSync(join(project.folder, 'node_modules/postern/package.json'), 'utf8')) as {
      version: string
    }
    expect(await run('postern', '--version')).toContain(version)
    expect((await fetch(`${apiUrl}/`)).headers.get('content-type')).toContain('text/html')
  })
})
