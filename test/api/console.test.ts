/** Serving the console's page: types, caching, nothing outside of its folder, and a message if it was not built. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import Koa from 'koa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serveConsole } from '../../src/api/console.ts'

let folder: string
let server: Server

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-console-'))
  const app = new Koa()
  app.use(serveConsole(join(folder, 'page')))
  app.use((ctx) => {
    ctx.status = 404
    ctx.body = 'next'
  })
  server = createServer(app.callback())
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return async () => {
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
})
afterEach(() => server.closeAllConnections())

type Answer = { status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }

/** By a plain request: fetch would tidy the path up. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    request({ port, host: '127.0.0.1', path, method, headers }, (res) => {
      const parts: Buffer[] = []
      res.on('data', (part: Buffer) => parts.push(part))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(parts) }))
    })
      .on('error', reject)
      .end()
  })
}

async function build(): Promise<void> {
  await mkdir(join(folder, 'page', 'assets'), { recursive: true })
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html><title>console</title>')
  await writeFile(join(folder, 'page', 'assets', 'index-abc123.js'), 'export {}\n'.repeat(100))
  await writeFile(join(folder, 'page', 'assets', 'mark-abc123.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  await writeFile(join(folder, 'page', 'assets', '.secret.js'), 'no')
  await writeFile(join(folder, 'page', 'assets', 'notes.txt'), 'no')
  await writeFile(join(folder, 'outside.js'), 'no')
}

describe('a built page', () => {
  beforeEach(build)

  it('is revalidated each time, and not sent twice', async () => {
    const first = await get('/')
    expect(first).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' },
    })
    expect(String(first.body)).toContain('console')
    const again = await get('/?source=home', { 'if-none-match': String(first.headers['etag']) })
    expect([again.status, again.body.length]).toEqual([304, 0])
  })

  it('has assets of the right type that are cached forever', async () => {
    const script = await get('/assets/index-abc123.js')
    expect(script).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'public, max-age=31536000, immutable',
        vary: 'Accept-Encoding',
      },
    })
    expect(script.headers['content-encoding']).toBeUndefined()
    expect((await get('/assets/mark-abc123.svg')).headers['content-type']).toBe('image/svg+xml')
    const zipped = await get('/assets/index-abc123.js', { 'accept-encoding': 'gzip, br' })
    expect(zipped.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(zipped.body)).toEqual(script.body)
  })

  it('answers HEAD without a body, and ignores other methods', async () => {
    const head = await get('/assets/index-abc123.js', {}, 'HEAD')
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '1000', 0])
    expect((await get('/', {}, 'HEAD')).status).toBe(200)
    expect(String((await get('/', {}, 'POST')).body)).toBe('next')
  })

  it.each([
    '/assets/../outside.js',
    '/assets/..%2f..%2foutside.js',
    '/assets/%2e%2e/%2e%2e/outside.js',
    '/assets/..\\..\\outside.js',
    '/assets/..%5c..%5coutside.js',
    '/assets//outside.js',
    '/assets/.secret.js',
    '/assets/index-abc123.js%00',
    '/assets/index-abc123.js/',
    '/assets/notes.txt',
    '/assets/',
    '/assets',
    '/assets/absent-abc123.js',
    '/index.html',
    '/files',
  ])('does not answer %s', async (path) => {
    expect(String((await get(path)).body)).toBe('next')
  })
})

describe('a missing build', () => {
  it('says what to run, and works after the build', async () => {
    const missing = await get('/')
    expect(missing).toMatchObject({ status: 503, headers: { 'content-type': 'text/plain; charset=utf-8' } })
    expect(String(missing.body)).toContain('npm run build:console')
    expect((await get('/assets/index-abc123.js')).status).toBe(404)
    await build()
    expect((await get('/')).status).toBe(200)
    expect((await get('/assets/index-abc123.js')).status).toBe(200)
  })
})
