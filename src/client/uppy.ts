/**
 * Options for the S3 plugin of Uppy 4, 5 and 6: `uppy.use(AwsS3, uppyOptions(client))`. Versions 4 and 5 call the
 * first six functions. Version 6 calls `signRequest` and then speaks S3 itself. Files are confirmed automatically.
 */
import type { Client } from './types.ts'

export interface UppyFileLike {
  name?: string | undefined
  type?: string | undefined
  size?: number | null | undefined
  data?: { size?: number | null | undefined } | null | undefined
  meta?: Record<string, unknown>
}

/** A request that version 6 of the plugin wants signed. */
export interface UppyRequest {
  method: string
  key: string
  contentType?: string
  uploadId?: string
  partNumber?: number
}

interface Sent {
  key: string
  uploadId?: string
  signal?: AbortSignal | undefined
}
interface PartUrl {
  url: string
  expires?: number
  headers?: Record<string, string>
}
interface ListedPart {
  PartNumber: number
  ETag: string
  Size: number
}
interface Joined {
  location: string
  key: string
  bucket: string
}

export interface UppyOptions {
  shouldUseMultipart: (file: UppyFileLike) => boolean
  getChunkSize: (file: { size: number }) => number
  getUploadParameters: (
    file: UppyFileLike,
    o?: { signal?: AbortSignal | undefined },
  ) => Promise<{ method: 'PUT'; url: string; headers: Record<string, string>; fields: Record<string, never> }>
  createMultipartUpload: (file: UppyFileLike) => Promise<{ key: string; uploadId: string }>
  signPart: (file: UppyFileLike, o: Sent & { partNumber: number }) => Promise<PartUrl>
  listParts: (file: UppyFileLike, o: Sent) => Promise<ListedPart[]>
  completeMultipartUpload: (
    file: UppyFileLike,
    o: Sent & { parts: { PartNumber?: number; ETag?: string }[] },
  ) => Promise<Joined>
  abortMultipartUpload: (file: UppyFileLike, o: Sent) => Promise<void>
  generateObjectKey: (file: UppyFileLike) => string
  signRequest: (request: UppyRequest) => Promise<{ url: string; key?: string; headers?: Record<string, string> }>
}

const MiB = 2 ** 20

/**
 * With Uppy 6, a page with a Content-Security-Policy needs `data:` in connect-src for multipart uploads. The
 * responses to all requests without bytes are created here and passed to Uppy as data URLs.
 */
export function uppyOptions(client: Pick<Client, 'options'>): UppyOptions {
  const ask = asker(client.options)

  const begin = (file: Wanted) =>
    ask<{ key: string; uploadUrl: string; headers: Record<string, string> }>('/files/upload-url', { body: file })
  const beginParts = (file: Wanted) =>
    ask<{ key: string; uploadId: string }>('/files/multipart', { body: { ...file, partSize: partSizeOf(file.size) } })
  const sign = (o: Sent & { partNumber: number }) => ask<PartUrl>(pathOf(o, `/${o.partNumber}`), { signal: o.signal })
  const list = (o: Sent) => ask<ListedPart[]>(pathOf(o), { signal: o.signal })
  const join = (o: Sent, parts: object[]) => ask<Joined>(pathOf(o, '/complete'), { body: { parts }, signal: o.signal })
  const abort = (o: Sent) => ask<unknown>(pathOf(o), { method: 'DELETE', signal: o.signal })

  return {
    shouldUseMultipart: (file) => sizeOf(file) > 16 * MiB,
    getChunkSize: ({ size }) => partSizeOf(size),

    async getUploadParameters(file) {
      const { key, uploadUrl, headers } = await begin(wanted(file))
      // Uppy reports this key to the page, although its types say that a PUT has no fields.
      return { method: 'PUT', url: uploadUrl, headers, fields: { key } as object as Record<string, never> }
    },
    async createMultipartUpload(file) {
      const { key, uploadId } = await beginParts(wanted(file))
      return { key, uploadId }
    },
    signPart: (_, o) => sign(o),
    listParts: (_, o) => list(o),
    completeMultipartUpload: (_, o) =>
      join(
        o,
        o.parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })),
      ),
    async abortMultipartUpload(_, o) {
      await abort({ key: o.key, ...(o.uploadId === undefined ? {} : { uploadId: o.uploadId }) })
    },

    // The server chooses the key. Uppy passes nothing else on, so the key carries the file's properties.
    generateObjectKey: (file) => JSON.stringify(wanted(file)),

    async signRequest({ method, key, uploadId, partNumber }) {
      if (uploadId === undefined) {
        const file = JSON.parse(key) as Wanted
        if (method === 'PUT') {
          const granted = await begin(file)
          return { url: granted.uploadUrl, key: granted.key, headers: granted.headers }
        }
        const created = await beginParts(file)
        return { url: answerUrl('InitiateMultipartUploadResult', { UploadId: created.uploadId }), key: created.key }
      }
      const upload = { key, uploadId }
      if (method === 'PUT' && partNumber !== undefined) return sign({ ...upload, partNumber })
      if (method === 'DELETE') {
        await abort(upload)
        return { url: 'data:application/xml,' }
      }
      const parts = await list(upload)
      if (method === 'GET') {
        return { url: answerUrl('ListPartsResult', ...parts.map((part) => ({ Part: { ...part } }))) }
      }
      // The declared size shows whether the list is complete.
      const { location, bucket } = await join(upload, parts)
      return { url: answerUrl('CompleteMultipartUploadResult', { Location: location, Bucket: bucket, Key: key }) }
    },
  }
}

interface Wanted {
  filename: string
  mimeType: string
  size: number
  metadata: Record<string, string>
  autoConfirm: true
}

const sizeOf = ({ size, data }: UppyFileLike): number => size ?? data?.size ?? 0

const partSizeOf = (size: number): number => Math.max(8 * MiB, Math.ceil(size / 9000))

function wanted(file: UppyFileLike): Wanted {
  const { name, type: _, ...meta } = file.meta ?? {}
  return {
    filename: typeof name === 'string' && name !== '' ? name : (file.name ?? 'file'),
    // Uppy's fallback for an unknown type. Send an empty type so that the server uses the name.
    mimeType: file.type === 'application/octet-stream' ? '' : (file.type ?? ''),
    size: sizeOf(file),
    metadata: Object.fromEntries(
      Object.entries(meta)
        .filter(([, value]) => value !== null && value !== undefined && typeof value !== 'object')
        .map(([field, value]) => [field, String(value)]),
    ),
    autoConfirm: true,
  }
}

const pathOf = ({ key, uploadId = '' }: Sent, rest = ''): string =>
  `/s3/multipart/${encodeURIComponent(uploadId)}${rest}?key=${encodeURIComponent(key)}`

interface Ask {
  method?: string
  body?: object
  signal?: AbortSignal | undefined
}

/** Sends one API request. Refreshes a token function after a 401. Throws the server's message. */
function asker({ baseUrl, headers, credentials }: Client['options']): <T>(path: string, o?: Ask) => Promise<T> {
  const send = async (path: string, { method, body, signal }: Ask): Promise<Response> =>
    fetch(baseUrl.replace(/\/+$/, '') + path, {
      method: method ?? (body ? 'POST' : 'GET'),
      headers: {
        ...(typeof headers === 'function' ? await headers() : headers),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      cache: 'no-store',
      ...(body ? { body: JSON.stringify(body) } : {}),
      ...(signal ? { signal } : {}),
      ...(credentials ? { credentials } : {}),
    })
  return async <T>(path: string, o: Ask = {}): Promise<T> => {
    let answer = await send(path, o)
    if (answer.status === 401 && typeof headers === 'function') answer = await send(path, o)
    if (answer.ok) return (await answer.json()) as T
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string }
    throw new Error(problem.detail ?? `The server responded with ${answer.status}.`)
  }
}

type Xml = { [name: string]: string | number | Xml }

/** A data URL that answers any request with this document. */
const answerUrl = (name: string, ...content: Xml[]): string =>
  `data:application/xml,${encodeURIComponent(`<${name}>${content.map(elements).join('')}</${name}>`)}`

const elements = (content: Xml): string =>
  Object.entries(content)
    .map(([name, value]) => `<${name}>${typeof value === 'object' ? elements(value) : escaped(value)}</${name}>`)
    .join('')

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (value: string | number): string => String(value).replace(/[&<>"]/g, (one) => entities[one] ?? one)
