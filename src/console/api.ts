/** The JSON API as the console uses it. Paths are relative to the page, so it works below a path prefix. */
import type { FileRecord as Uploaded } from '../client/index.ts'
import { session, signInNeeded } from './session.ts'

/** A pending file may have no size yet. */
export type FileRecord = Omit<Uploaded, 'size' | 'url'> & { size: number | null }
export type FilePage = { files: FileRecord[]; nextCursor: string | null }
export type Download = { downloadUrl: string; expiresIn: number; expiresAt: string }
/** In bytes and files. A quota of null means no limit. */
export type Usage = {
  bytes: number
  files: number
  reservedBytes: number
  reservedFiles: number
  quota: { bytes: number | null; files: number | null }
}

export class ApiError extends Error {
  /** 0 if there was no response. */
  readonly status: number
  readonly code: string
  readonly requestId: string | null

  constructor(status: number, code: string, message: string, requestId: string | null = null, cause?: unknown) {
    super(message, { cause })
    this.status = status
    this.code = code
    this.requestId = requestId
  }
}

export const serverUrl = (): string => new URL('.', location.href).href.replace(/\/$/, '')

type RequestOptions = { method?: string; body?: unknown; signal?: AbortSignal; keepalive?: boolean; token?: string }

/** Resolves to the JSON body of a 2xx response, or null without a body. A 401 opens the sign-in form. */
export async function request<T>(path: string, o: RequestOptions = {}): Promise<T> {
  const headers = new Headers({ accept: 'application/json' })
  const token = o.token ?? session.get().token
  if (token) headers.set('authorization', `Bearer ${token}`)
  if (o.body !== undefined) headers.set('content-type', 'application/json')
  let response: Response
  try {
    response = await fetch(`${serverUrl()}${path}`, {
      method: o.method ?? 'GET',
      headers,
      credentials: 'same-origin',
      keepalive: o.keepalive ?? false,
      body: o.body === undefined ? null : JSON.stringify(o.body),
      signal: o.signal ?? null,
    })
  } catch (cause) {
    if (o.signal?.aborted) throw cause
    throw new ApiError(0, 'Network', `${location.host} did not respond. Check that the server is running.`, null, cause)
  }
  const json = await readJson(response)
  if (response.ok) return json as T
  const error = problem(response, json)
  if (response.status === 401 && o.token === undefined) signInNeeded(error.message, isOwnIssuer(json))
  throw error
}

/** Reads from a 401 response whether `postern token` on the server creates accepted tokens. */
function isOwnIssuer(json: unknown): boolean {
  const { details } = (json ?? {}) as { details?: { issuer?: unknown } }
  return details?.issuer === 'this-server'
}

async function readJson(response: Response): Promise<unknown> {
  if (!response.headers.get('content-type')?.includes('json')) return null
  return response.json().catch(() => null)
}

function problem(response: Response, json: unknown): ApiError {
  const { detail, error, code, requestId } = (json ?? {}) as Record<string, string | undefined>
  const wait = response.headers.get('retry-after')
  const words = detail ?? error ?? `The server responded with ${response.status} ${response.statusText}`.trim()
  const message = wait && response.status === 429 ? `${words} Retry in ${wait} s.` : words
  return new ApiError(response.status, code ?? String(response.status), message, requestId ?? null)
}

export const listFiles = (o: { q: string; cursor?: string; signal?: AbortSignal }): Promise<FilePage> => {
  const query = new URLSearchParams({ limit: '100' })
  if (o.q) query.set('q', o.q)
  if (o.cursor) query.set('cursor', o.cursor)
  return request(`/files?${query}`, o.signal ? { signal: o.signal } : {})
}

export const getUsage = (token?: string): Promise<Usage> =>
  request('/files/usage', token === undefined ? {} : { token })

/** `expiresIn` in seconds. Without it the server's default applies. */
export function getDownload(
  id: string,
  o: { disposition: 'inline' | 'attachment'; expiresIn?: number; signal?: AbortSignal },
): Promise<Download> {
  const query = new URLSearchParams({ disposition: o.disposition })
  if (o.expiresIn !== undefined) query.set('expiresIn', String(o.expiresIn))
  return request(`/files/${encodeURIComponent(id)}/download-url?${query}`, o.signal ? { signal: o.signal } : {})
}

export const deleteFile = (id: string, keepalive = false): Promise<void> =>
  request(`/files/${encodeURIComponent(id)}`, { method: 'DELETE', keepalive })

export const getFile = (id: string, signal?: AbortSignal): Promise<FileRecord> =>
  request(`/files/${encodeURIComponent(id)}`, signal ? { signal } : {})

export const changeFile = (
  id: string,
  change: { filename?: string; metadata?: Record<string, string> },
): Promise<FileRecord> => request(`/files/${encodeURIComponent(id)}`, { method: 'PATCH', body: change })

/** The URL for `<img>` when no token is needed. The server redirects it to a fresh presigned URL. */
export const contentUrl = (id: string): string => `${serverUrl()}/files/${encodeURIComponent(id)}/content`
