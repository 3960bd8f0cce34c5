/** Shared by the client's browser tests: a built client in a page of a third origin, and faults on every connection. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { buildBrowser } from '../../scripts/build-browser.ts'
import type { Client, ClientOptions, Progress, UploadOptions, UploadState, UploadTask } from '../../src/client/types.ts'
import { launchBrowser } from '../fixtures/browsers.ts'
import { type FaultProxy, startFaultProxy } from '../fixtures/fault-proxy.ts'
import type { Overrides, RunningGateway } from '../fixtures/gateway.ts'
import { throttleUploads } from './throttle.ts'
import { limit } from '../fixtures/time-limit.ts'

export const MiB = 2 ** 20
/** For `expect.poll`: the machine may have other work. */
export const patient = { timeout: limit(30_000) }

export type Backend = {
  /** A gateway whose upload URLs point to `objectsUrl`, behind which the store is at `store`. */
  start(objectsUrl: string, overrides: Overrides): Promise<{ gateway: RunningGateway; store: string }>
  /** Whether pages of other origins can read why a signature was refused: Ceph answers such requests without CORS. */
  showsRefusals: boolean
}

export type Step = { state: UploadState; progress: Progress; at: number }
export type Outcome = {
  record?: { id: string; filename: string; size: number; checksum: unknown; key: string }
  error?: { code: string; status?: number; s3Code?: string; retryable: boolean; message: string }
}

/** What pages/client.html offers. */
export type ClientPage = {
  client: Client
  open(options: Partial<ClientOptions>): void
  tasks: UploadTask[]
  steps: Step[][]
  /** Index of the task. */
  start(file: File | Blob, o?: UploadOptions): number
  chosen(index?: number): File
  outcome(task: number): Promise<Outcome>
}
declare const postern: ClientPage

export type Harness = {
  gateway: RunningGateway
  api: FaultProxy
  store: FaultProxy
  pageUrl: string
  browser: Browser
  folder: string
  close(): Promise<void>
}

export async function startHarness(backend: Backend, overrides: Overrides = {}): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-client-'))
  await buildBrowser(folder)
  const [api, store] = await Promise.all([startFaultProxy(), startFaultProxy()])
  const { gateway, store: behind } = await backend.start(store.url, overrides)
  api.target = gateway.apiUrl
  store.target = behind
  const pages = await servePages(folder)
  const browser = await launchBrowser()
  return {
    gateway,
    api,
    store,
    pageUrl: pages.url,
    browser,
    folder,
    async close() {
      await browser.close()
      await Promise.all([api.close(), store.close(), pages.close()])
      await gateway.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Forgets what was seen and breaks nothing any more. */
export function calm({ api, store }: Harness): void {
  for (const proxy of [api, store]) {
    proxy.dropConnections()
    proxy.fault = null
    proxy.seen.length = 0
    proxy.active.most = proxy.active.now
  }
}

export async function openPage(
  harness: Harness,
  options: Partial<ClientOptions> = {},
  context?: BrowserContext,
): Promise<Page> {
  const page = context ? await context.newPage() : await harness.browser.newPage()
  page.setDefaultTimeout(60_000)
  await page.goto(`${harness.pageUrl}/client.html`)
  await open(harness, page, options)
  return page
}

export async function open(harness: Harness, page: Page, options: Partial<ClientOptions> = {}): Promise<void> {
  await page.waitForFunction(() => typeof postern === 'object')
  await page.evaluate((o) => postern.open(o), { baseUrl: harness.api.url, ...options })
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}

/** The pages of `pages/`, and what was built. */
async function servePages(folder: string): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((req, res) => {
    const path = normalize(new URL(req.url ?? '/', 'http://page').pathname)
    const file = [join(import.meta.dirname, 'pages', path), join(folder, path)].find((f) => existsSync(f))
    if (!file) return void res.writeHead(404).end()
    res.writeHead(200, { 'content-type': types[/\.\w+$/.exec(path)?.[0] ?? ''] ?? 'application/octet-stream' })
    res.end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Text of so many bytes that no two files share. */
export async function textFile(
  harness: Harness,
  name: string,
  bytes: number,
): Promise<{ path: string; sha256: string }> {
  const content = Buffer.from(
    randomBytes(Math.ceil(bytes / 2))
      .toString('hex')
      .slice(0, bytes),
  )
  const path = join(await mkdtemp(join(harness.folder, 'file-')), name)
  await writeFile(path, content)
  return { path, sha256: sha256(content) }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export async function choose(page: Page, ...paths: string[]): Promise<void> {
  await page.setInputFiles('#files', paths)
}

/** Starts the upload of a file that was chosen; the number of its task. */
export const start = (page: Page, o: UploadOptions = {}, file = 0): Promise<number> =>
  page.evaluate(([options, index]) => postern.start(postern.chosen(index), options), [o, file] as const)

/** A file of so many bytes, on its way over a line of so many a second, so that it can be met on its way. */
export async function startSlowly(
  harness: Harness,
  name: string,
  o: { size: number; rate: number },
): Promise<{ file: { path: string; sha256: string }; page: Page; task: number }> {
  const file = await textFile(harness, name, o.size)
  const page = await openPage(harness)
  await throttleUploads(page, o.rate)
  await choose(page, file.path)
  return { file, page, task: await start(page) }
}

export const outcome = (page: Page, task: number): Promise<Outcome> =>
  page.evaluate((index) => postern.outcome(index), task)

export const steps = (page: Page, task: number): Promise<Step[]> =>
  page.evaluate((index) => postern.steps[index]!, task)

export const statesOf = (list: Step[]): UploadState[] =>
  list.map(({ state }) => state).filter((state, i, all) => state !== all[i - 1])

export const waitForState = async (page: Page, task: number, state: UploadState): Promise<void> => {
  await page.waitForFunction(([index, wanted]) => postern.tasks[index]!.getSnapshot().state === wanted, [
    task,
    state,
  ] as const)
}

export const waitForBytes = async (page: Page, task: number, bytes: number): Promise<void> => {
  await page.waitForFunction(([index, wanted]) => postern.tasks[index]!.getSnapshot().progress.loaded >= wanted, [
    task,
    bytes,
  ] as const)
}

/** The digest of what the gateway serves for a file. */
export async function storedSha256(harness: Harness, id: string): Promise<string> {
  harness.store.fault = null
  const answer = await fetch(`${harness.gateway.apiUrl}/files/${id}/download-url`)
  const { downloadUrl } = (await answer.json()) as { downloadUrl: string }
  const file = await fetch(downloadUrl)
  expect(file.status).toBe(200)
  return sha256(new Uint8Array(await file.arrayBuffer()))
}

export async function storedFiles(harness: Harness): Promise<{ id: string; filename: string; status: string }[]> {
  const answer = await fetch(`${harness.gateway.apiUrl}/files?limit=100`)
  return ((await answer.json()) as { files: { id: string; filename: string; status: string }[] }).files
}

export async function reservedBytes(harness: Harness): Promise<number> {
  const answer = await fetch(`${harness.gateway.apiUrl}/files/usage`)
  return ((await answer.json()) as { reservedBytes: number }).reservedBytes
}

/** Numbers of the parts that the store has. */
export async function storedParts(harness: Harness, id: string): Promise<number[]> {
  const answer = await fetch(`${harness.gateway.apiUrl}/files/multipart/${id}/parts`)
  const { parts } = (await answer.json()) as { parts: { partNumber: number }[] }
  return parts.map(({ partNumber }) => partNumber)
}

/** Requests with the bytes of each part, in the order in which they came. */
export function partRequests({ store }: Harness): Map<number, (number | null)[]> {
  const parts = new Map<number, (number | null)[]>()
  for (const { method, url, status } of store.seen) {
    const number = Number(url.searchParams.get('partNumber'))
    if (method === 'PUT' && number > 0) parts.set(number, [...(parts.get(number) ?? []), status])
  }
  return parts
}
