/** Real Uppy in a page of a third origin, bundled like an application. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { build } from 'vite'
import type { Harness } from './client-harness.ts'
import { limit } from '../fixtures/time-limit.ts'

export const majors = [4, 5, 6] as const
export type Major = (typeof majors)[number]
/** `companion`: Uppy is told the server's address. `client`: it is given `uppyOptions(client)`. */
export type Way = 'companion' | 'client'

export type UppyFile = { name: string; type: string; size: number; meta?: Record<string, unknown> }
export type UppyOutcome = {
  successful: { uploadURL: string; body: { location?: string; key?: string } }[]
  failed: string[]
  /** Bytes, at each event of progress. */
  loaded: number[]
  /** Numbers, in the order in which they were done. */
  parts: number[]
}

/** What pages/uppy.html offers. */
type UppyPage = {
  uppy: { pauseAll(): void; resumeAll(): void; cancelAll(): void }
  loaded: number[]
  parts: number[]
  open(o: { way: Way; baseUrl: string; headers?: Record<string, string>; options?: object }): void
  add(file: UppyFile): void
  start(): void
  outcome(): Promise<UppyOutcome>
}
declare const uppyPage: UppyPage

/** `uppy4.js`, `uppy5.js`, `uppy6.js` and `uppy-options.js` below `folder`. */
export async function buildUppy(folder: string): Promise<void> {
  const root = join(import.meta.dirname, '..', '..')
  const entries = majors.map((major) => [`uppy${major}`, join(import.meta.dirname, 'uppy', String(major), 'index.js')])
  for (const [name, entry] of [...entries, ['uppy-options', join(root, 'src', 'client', 'uppy.ts')]]) {
    await build({
      root,
      configFile: false,
      publicDir: false,
      logLevel: 'error',
      define: { 'process.env.NODE_ENV': '"production"' },
      build: {
        outDir: folder,
        emptyOutDir: false,
        target: 'es2022',
        lib: { entry: entry!, formats: ['es'], fileName: () => `${name}.js` },
      },
    })
  }
}

export async function openUppy(
  harness: Harness,
  o: { major: Major; way: Way; headers?: Record<string, string>; options?: object },
): Promise<Page> {
  const { major, ...rest } = o
  const page = await harness.browser.newPage()
  page.setDefaultTimeout(limit(60_000))
  await page.goto(`${harness.pageUrl}/uppy.html?uppy=${major}`)
  await page.waitForFunction(() => typeof uppyPage === 'object')
  await page.evaluate((options) => uppyPage.open(options), { baseUrl: harness.api.url, ...rest })
  return page
}

export async function startUppy(page: Page, file: UppyFile): Promise<void> {
  await page.evaluate((given) => {
    uppyPage.add(given)
    uppyPage.start()
  }, file)
}

export const uppyOutcome = (page: Page): Promise<UppyOutcome> => page.evaluate(() => uppyPage.outcome())

export const tellUppy = (page: Page, what: 'pauseAll' | 'resumeAll' | 'cancelAll'): Promise<void> =>
  page.evaluate((name) => uppyPage.uppy[name](), what)

export const waitForLoaded = async (page: Page, bytes: number): Promise<void> => {
  await page.waitForFunction((wanted) => (uppyPage.loaded.at(-1) ?? 0) >= wanted, bytes)
}

/** What pages/uppy.html fills a file of so many bytes with. */
export function uppyBytes(size: number): Buffer {
  const line = Buffer.from('what Uppy sends, again and again\n')
  return Buffer.alloc(size, line)
}
