/** Shared by the tests of the console's views: uploads and rejected requests of other clients, and axe-core. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import type { RunningGateway } from '../fixtures/gateway.ts'

export type Issued = { id: string; key: string; uploadUrl: string; headers: Record<string, string> }

/** As the user of `--dev`. */
export async function post<T>(gateway: RunningGateway, path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(gateway.apiUrl + path, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as T
}

export const grant = (gateway: RunningGateway, fields: object = {}): Promise<Issued> =>
  post(gateway, '/files/upload-url', { filename: 'note.txt', mimeType: 'text/plain', ...fields })

export async function send(
  { uploadUrl, headers }: Pick<Issued, 'uploadUrl' | 'headers'>,
  body: string | Uint8Array<ArrayBuffer>,
  changed: Record<string, string> = {},
): Promise<number> {
  return (await fetch(uploadUrl, { method: 'PUT', headers: { ...headers, ...changed }, body })).status
}

/** Begins an upload in parts of 5 MiB and sends those named; the last part of `size` is shorter. */
export async function sendParts(
  gateway: RunningGateway,
  o: { filename: string; size: number; parts: number[] },
): Promise<string> {
  const { filename, size, parts: partNumbers } = o
  const { id, partSize } = await post<{ id: string; partSize: number }>(gateway, '/files/multipart', {
    filename,
    mimeType: 'video/mp4',
    size,
  })
  type Part = { partNumber: number; url: string; headers: Record<string, string> }
  const { parts } = await post<{ parts: Part[] }>(gateway, `/files/multipart/${id}/parts`, { partNumbers })
  for (const { partNumber, url, headers } of parts) {
    const bytes = new Uint8Array(Math.min(partSize, size - (partNumber - 1) * partSize))
    if ((await send({ uploadUrl: url, headers }, bytes)) !== 200) throw new Error(`part ${partNumber} was refused`)
  }
  return id
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe-core finds serious or worse, as `rule: element`. */
export async function barriers(page: Page): Promise<string[]> {
  // Evaluated, not added as a script: the page's policy holds in the tests too.
  await page.evaluate(axeSource)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`))
}
