/** The requests of a client through a proxy: upload, confirm, download. */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { IncomingHttpHeaders } from 'node:http'
import { names, type Proxied } from './reverse-proxy.ts'

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64')
const json = { 'content-type': 'application/json' }

export type Uploaded = { id: string; bytes: Buffer; url: string }

/** Uploads as a client does and resolves to a download URL. `midway` runs while half of the body has been sent. */
export async function upload(
  { ask, gateway, ports }: Proxied,
  size: number,
  midway: () => Promise<void> = async () => {},
): Promise<Uploaded> {
  const api = `https://${names.api}:${ports.tls}`
  const bytes = randomBytes(size)
  const authorization = `Bearer ${await gateway.token('alice')}`
  const call = async (method: string, path: string, body?: object): Promise<Record<string, never>> => {
    const o = { method, headers: { authorization, ...json }, ...(body && { body: JSON.stringify(body) }) }
    const answer = await ask(api + path, o)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.body.toString()}`)
    return JSON.parse(answer.body.toString()) as Record<string, never>
  }
  const checksum = { algorithm: 'sha256', value: sha256(bytes) }
  const wanted = { filename: 'größe.bin', mimeType: 'application/octet-stream', size, checksum }
  const grant = await call('POST', '/files/upload-url', wanted)
  const put = await ask(grant['uploadUrl']!, {
    method: 'PUT',
    headers: { ...(grant['headers']! as Record<string, string>), 'content-length': String(size) },
    body: Readable.from(halves(bytes, midway)),
  })
  if (put.status !== 200) throw new Error(put.body.toString())
  const { id } = await call('POST', '/files/confirm', { key: grant['key'] })
  const { downloadUrl } = await call('GET', `/files/${String(id)}/download-url`)
  return { id: String(id), bytes, url: String(downloadUrl) }
}

async function* halves(bytes: Buffer, midway: () => Promise<void>): AsyncGenerator<Buffer> {
  yield bytes.subarray(0, bytes.length / 2)
  await midway()
  yield bytes.subarray(bytes.length / 2)
}

/** Past the proxy: what the gateway itself answers. */
export function askGateway(
  { ports }: Proxied,
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; length: number }> {
  const [, host = '', path = '/'] = /^https:\/\/([^/]+)(.*)$/.exec(url) ?? []
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: ports.objects, path, headers: { host, ...headers }, agent: false }, (answer) => {
      let length = 0
      answer.on('data', (chunk: Buffer) => (length += chunk.length))
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, length }))
    })
      .once('error', reject)
      .end()
  })
}

/** Paths of all blobs, relative to the folder of objects. */
export function blobsOf({ dir }: Proxied): string[] {
  const all = readdirSync(join(dir, 'storage/objects'), { recursive: true, encoding: 'utf8' })
  return all.filter((path) => /[0-9a-f]{32}$/.test(path))
}
