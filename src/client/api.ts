/** The gateway's JSON API. Each call is one request. Callers retry. */
import { anySignal } from './signals.ts'
import type { SignedUrl } from './send.ts'
import type { Checksum, ClientOptions, FileRecord } from './types.ts'
import { lostConnection, refused, type UploadError } from './upload-error.ts'

export interface Begin {
  filename: string
  mimeType?: string
  size: number
  checksum?: Checksum
  visibility?: string
  metadata?: Record<string, string>
}

export interface Grant {
  id: string
  key: string
  uploadUrl: string
  method: string
  headers: Record<string, string>
  expiresIn: number
}

export interface Multipart {
  id: string
  partSize: number
  partCount: number | null
}

export interface ListedParts extends Multipart {
  parts: { partNumber: number; size: number }[]
}

export interface IssuedPart {
  partNumber: number
  url: string
  headers: Record<string, string>
  expiresIn: number
}

const quick = 30
/** Seconds. Completing and verifying a large file reads it once. */
const verifyTimeoutSeconds = 600

/**
 * `askedAt` is performance.now() before the request, so the client never considers the URL valid for longer than the
 * server does.
 */
export function signedUrl(
  o: { method?: string; url: string; headers: Record<string, string>; expiresIn: number },
  askedAt: number,
): SignedUrl {
  const life = o.expiresIn * 1000
  return {
    method: o.method ?? 'PUT',
    url: o.url,
    headers: o.headers,
    renewAt: askedAt + life - Math.min(10_000, life / 5),
    expiresAt: askedAt + life,
  }
}

interface Ask {
  method?: string
  body?: object
  signal?: AbortSignal
  timeout?: number
  /** Lets the request outlive the page. */
  keepalive?: boolean
}

export class Api {
  readonly baseUrl: string
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
    this.baseUrl = options.baseUrl.replace(/\/+$/, '')
  }

  begin = (input: Begin): Promise<Grant> => this.#ask('/files/upload-url', { body: { ...input, writeOnce: true } })

  renew = (id: string, signal: AbortSignal): Promise<Grant> =>
    this.#ask(`/files/${id}/upload-url`, { body: {}, signal })

  confirm = (id: string, signal: AbortSignal): Promise<FileRecord> =>
    this.#ask('/files/confirm', { body: { id }, signal, timeout: verifyTimeoutSeconds })

  remove = (id: string): Promise<void> => this.#ask(`/files/${id}`, { method: 'DELETE', keepalive: true })

  beginParts = (input: Begin & { partSize: number }): Promise<Multipart> =>
    this.#ask('/files/multipart', { body: input })

  listParts = (id: string, signal: AbortSignal): Promise<ListedParts> =>
    this.#ask(`/files/multipart/${id}/parts`, { signal })

  issueParts = (id: string, partNumbers: number[], signal: AbortSignal): Promise<{ parts: IssuedPart[] }> =>
    this.#ask(`/files/multipart/${id}/parts`, { body: { partNumbers }, signal })

  /** Completes from the parts that the store lists, so pages need no access to ETags. */
  complete = (id: string, signal: AbortSignal): Promise<FileRecord> =>
    this.#ask(`/files/multipart/${id}/complete`, { body: {}, signal, timeout: verifyTimeoutSeconds })

  abortParts = (id: string): Promise<void> => this.#ask(`/files/multipart/${id}`, { method: 'DELETE', keepalive: true })

  download = (id: string, query: string): Promise<{ downloadUrl: string; expiresAt: string }> =>
    this.#ask(`/files/${id}/download-url${query}`, {})

  async #ask<T>(path: string, o: Ask): Promise<T> {
    let [answer, text] = await this.#fetch(path, o)
    // A function may return a fresher token.
    if (answer.status === 401 && typeof this.#options.headers === 'function')
      [answer, text] = await this.#fetch(path, o)
    if (!answer.ok) throw refusalOf(answer, text)
    return (text ? JSON.parse(text) : undefined) as T
  }

  async #fetch(path: string, { body, ...o }: Ask): Promise<[Response, string]> {
    const { headers, credentials } = this.#options
    try {
      const own = typeof headers === 'function' ? await headers() : headers
      const late = AbortSignal.timeout((o.timeout ?? quick) * 1000)
      const answer = await fetch(this.baseUrl + path, {
        method: body ? 'POST' : 'GET',
        ...o,
        ...(body ? { body: JSON.stringify(body) } : {}),
        headers: body ? { ...own, 'content-type': 'application/json' } : { ...own },
        signal: o.signal ? anySignal(o.signal, late) : late,
        cache: 'no-store',
        ...(credentials ? { credentials } : {}),
      })
      return [answer, await answer.text()]
    } catch (cause) {
      // `headers` may fetch a token and lose that connection. Any other exception is the page's own error.
      const isLost = cause instanceof TypeError || cause instanceof DOMException
      throw isLost ? lostConnection('the server', cause) : cause
    }
  }
}

function refusalOf(answer: Response, text: string): UploadError {
  let problem: { detail?: string; code?: string; requestId?: string } = {}
  try {
    problem = JSON.parse(text) as typeof problem
  } catch {
    // The response is not JSON, for example a proxy's error page.
  }
  return refused('The server', {
    status: answer.status,
    s3Code: problem.code,
    message: problem.detail,
    requestId: problem.requestId,
    retryAfter: answer.headers.get('retry-after'),
  })
}
