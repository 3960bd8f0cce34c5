/** Calls the API by fetch, without access to the server's internals. */
import { createHash } from 'node:crypto'
import type { RunningGateway } from '../fixtures/gateway.ts'

export type FileJson = {
  id: string
  key: string
  filename: string
  mimeType: string
  size: number | null
  checksum: { algorithm: string; value: string } | null
  visibility: string
  metadata: Record<string, string>
  status: string
  createdAt: string
  confirmedAt: string | null
  warning?: string
  publicUrl?: string
}

export type LinkJson = { id: string; expiresAt: string | null; maxUses: number | null; uses: number; createdAt: string }

/** Every field that some answer of the API has. */
export type Json = FileJson & {
  method: string
  uploadUrl: string
  headers: Record<string, string>
  fields?: Record<string, string>
  expiresIn: number
  expiresAt: string
  url: string
  downloadUrl: string
  links: LinkJson[]
  maxUses: number | null
  uses: number
  headUrl: string
  files: FileJson[]
  nextCursor: string | null
  bytes: number
  reservedBytes: number
  reservedFiles: number
  quota: { bytes: number | null; files: number | null }
  type: string
  title: string
  detail: string
  code: string
  error: string
  requestId: string
}

export type Answer = { status: number; headers: Headers; json: Json; text: string }

export type Caller = {
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown): Promise<Answer>
  patch(path: string, body: unknown): Promise<Answer>
  delete(path: string): Promise<Answer>
}

export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  return { status: response.status, headers: response.headers, text, json: (isJson ? JSON.parse(text) : {}) as Json }
}

/** `headers` are the credentials, whatever they are. */
export function callerWith(apiUrl: string, headers: Record<string, string>): Caller {
  const send = (method: string, path: string, body?: unknown) =>
    call(apiUrl + path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    patch: (path, body) => send('PATCH', path, body),
    delete: (path) => send('DELETE', path),
  }
}

export const as = async (
  gateway: Pick<RunningGateway, 'apiUrl' | 'token'>,
  user: string,
  claims?: Record<string, unknown>,
): Promise<Caller> => callerWith(gateway.apiUrl, { authorization: `Bearer ${await gateway.token(user, claims)}` })

/** Sends the bytes as the answer of upload-url asks for it. */
export const put = (
  issued: Pick<Json, 'uploadUrl' | 'headers'>,
  bytes: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = issued.headers,
): Promise<Answer> => call(issued.uploadUrl, { method: 'PUT', headers, body: bytes })

export const textFile = { filename: 'note.txt', mimeType: 'text/plain' }

/** Grants an upload and sends the bytes; not yet confirmed. */
export async function upload(
  user: Caller,
  bytes: string | Uint8Array<ArrayBuffer>,
  fields: object = {},
): Promise<Json> {
  const { status, json, text } = await user.post('/files/upload-url', { ...textFile, ...fields })
  if (status !== 200) throw new Error(`upload-url answered ${status}: ${text}`)
  const sent = await put(json, bytes)
  if (sent.status !== 200) throw new Error(`the store answered ${sent.status}: ${sent.text}`)
  return json
}

/** The whole way: a confirmed file. */
export async function store(user: Caller, bytes: string | Uint8Array<ArrayBuffer>, fields: object = {}): Promise<Json> {
  const { id } = await upload(user, bytes, fields)
  const { status, json, text } = await user.post('/files/confirm', { id })
  if (status !== 201) throw new Error(`confirm answered ${status}: ${text}`)
  return json
}

export async function download(user: Caller, id: string): Promise<Response> {
  const { status, json, text } = await user.get(`/files/${id}/download-url`)
  if (status !== 200) throw new Error(`download-url answered ${status}: ${text}`)
  return fetch(json.downloadUrl)
}

export const downloadText = async (user: Caller, id: string): Promise<string> => (await download(user, id)).text()

export const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('base64')

/** What a refused request must leave as it was. */
export async function stateOf(user: Caller): Promise<unknown> {
  const [files, usage] = await Promise.all([user.get('/files'), user.get('/files/usage')])
  return { files: files.json.files, usage: usage.json }
}
