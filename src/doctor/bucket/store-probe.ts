/** Sends the signed requests of the checks, and returns each response unchanged. */
import { randomUUID } from 'node:crypto'
import { readErrorDocument } from '../../explain/answer-advice.ts'
import { encodePath, encodeRfc3986 } from '../../sigv4/encode.ts'
import { resolveTarget } from '../../sigv4/endpoint.ts'
import { presign, type PresignedUrl } from '../../sigv4/presign.ts'
import { sha256Hex } from '../../sigv4/string-to-sign.ts'
import { signRequest } from '../../sigv4/sign-request.ts'
import type { SigningCredentials } from '../../sigv4/types.ts'
import { send, type Received, type Sending } from '../send.ts'
import { createTraces, type Answer, type Request } from './traces.ts'

export type StoreTarget = {
  /** True for the gateway's objects endpoint, also if it is in front of a bucket. */
  isOwnEndpoint: boolean
  /** The names of the settings, for messages. */
  settings: { endpoint: string; publicEndpoint: string; region: string }
  /** The URL that this process uses. */
  endpoint: string
  /** The URL in the presigned URLs of the checks. */
  publicEndpoint: string
  /** The URL in the presigned URLs of clients and its setting. Differs from `publicEndpoint` only if the server does not run. */
  named: { url: string; setting: string }
  bucket: string
  region: string
  pathStyle: boolean
  /** `storage.s3.prefix`. */
  prefix: string
  credentials: SigningCredentials
  /** When temporary credentials expire. Null if they do not, or if the expiry is unknown. */
  expiration: Date | null
  /** `storage.s3.provider`, resolved. */
  provider: string
  /** Whether the store enforces a signed Content-Length. */
  signsLength: boolean
  /** The longest validity of a URL, in seconds. Null if these credentials sign no URLs for clients. */
  longestUrl: number | null
  /** The origins of web pages. If empty, CORS is not checked. */
  origins: readonly string[]
  now: () => Date
}

export type StoreProbe = {
  readonly target: StoreTarget
  /** The prefix of every key of this run. */
  readonly folder: string
  /** A key of this run. `cleanUp` deletes its object. */
  key(name: string): string
  /** Signs in the Authorization header. */
  request(o: Request): Promise<Answer>
  /** A URL at the public endpoint. `headers` are signed. */
  presign(o: Request & { key: string }): PresignedUrl
  /** Adds no signature to the URL. */
  fetch(url: string, o: { method: string; headers?: Readonly<Record<string, string>>; body?: Buffer }): Promise<Answer>
  /** The response to a listing of the bucket. Sent once. */
  first(): Promise<Answer>
  /** Seconds by which the store's clock is ahead. Later signatures use the store's time. */
  setClock(ahead: number): void
  now(): Date
  bucketUrl(): string
  objectUrl(key: string): string
  /** Deletes every object and upload of this run, also after an interruption. Returns the keys that may still exist. */
  cleanUp(): Promise<string[]>
}

const empty = Buffer.alloc(0)

/** After `signal`, every check fails at its next request. `send` describes what happens to the running one. */
export function createStoreProbe(
  target: StoreTarget,
  { signal, patience }: { signal?: AbortSignal; patience?: number } = {},
): StoreProbe {
  const folder = `${target.prefix}postern-doctor/${randomUUID()}/`
  const traces = createTraces(folder)
  let ahead = 0
  let listed: Promise<Answer> | undefined
  const now = (): Date => new Date(target.now().getTime() + ahead * 1000)
  const { bucket, pathStyle, credentials, region } = target

  const urlOf = (endpoint: string, key: string | undefined, query: Request['query'] = {}): string => {
    const { origin, basePath } = resolveTarget({ endpoint, bucket, pathStyle })
    const path = key === undefined && pathStyle ? basePath.slice(0, -1) : basePath + encodePath(key ?? '')
    const pairs = Object.entries(query).map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`)
    return `${origin}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
  }

  const signed = ({ method, key, query, headers = {}, body = empty }: Request): Sending => {
    const url = urlOf(target.endpoint, key, query)
    const payload = sha256Hex(body.toString('latin1'))
    const signature = signRequest({ method, url, headers, payload, credentials, region, now: now() })
    return { url, method, headers: signature.headers, body: body.length > 0 || method === 'PUT' ? body : undefined }
  }
  const ask = async (sending: Sending): Promise<Answer> => {
    signal?.throwIfAborted()
    return read(await send({ ...sending, signal, patience }))
  }

  const probe: StoreProbe = {
    target,
    folder,
    now,
    key: traces.key,
    async request(o) {
      traces.expect(o)
      const answer = await ask(signed(o))
      traces.note(o, answer)
      return answer
    },
    presign: ({ method, key, query = {}, headers = {} }) =>
      presign({ ...target, endpoint: target.publicEndpoint, method, key, query, headers, expiresIn: 300, now: now() }),
    fetch: (url, o) => ask({ url, ...o }),
    first: () =>
      (listed ??= probe.request({ method: 'GET', query: { 'list-type': '2', 'max-keys': '1', prefix: folder } })),
    setClock(seconds) {
      ahead = seconds
    },
    bucketUrl: () => urlOf(target.publicEndpoint, undefined),
    objectUrl: (key) => urlOf(target.publicEndpoint, key),
    cleanUp: () => traces.remove(async (o) => read(await send({ ...signed(o), patience }))),
  }
  return probe
}

function read(received: Received): Answer {
  const text = received.body.toString('utf8')
  const { code, message } = readErrorDocument(text)
  return { ...received, text, code: received.status < 300 ? null : code, message }
}

/** The Host that arrived, if a SignatureDoesNotMatch response contains the canonical request. */
export const hostSeen = ({ text }: Answer): string | null =>
  /<CanonicalRequest>[^<]*?\bhost:([^\n\r<&]+)/.exec(text)?.[1] ?? null

/** `403 AccessDenied`, for sentences. */
export const said = ({ status, code }: Answer): string => (code === null ? `${status}` : `${status} ${code}`)
