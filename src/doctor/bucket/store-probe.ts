/** What the checks ask the store with: signed requests of our own, each seen as it is answered. */
import { randomUUID } from 'node:crypto'
import { readErrorDocument } from '../../explain/answer-advice.ts'
import { encodePath, encodeRfc3986 } from '../../sigv4/encode.ts'
import { resolveTarget } from '../../sigv4/endpoint.ts'
import { presign, type PresignedUrl } from '../../sigv4/presign.ts'
import { sha256Hex } from '../../sigv4/string-to-sign.ts'
import { signRequest } from '../../sigv4/sign-request.ts'
import type { SigningCredentials } from '../../sigv4/types.ts'
import { send, type Received, type Sending } from '../send.ts'
import { createTraces } from './traces.ts'

export type StoreTarget = {
  /** The objects endpoint of the gateway, also in front of a bucket. */
  isOwnEndpoint: boolean
  /** The settings that say where the store is. */
  settings: { endpoint: string; publicEndpoint: string; region: string }
  /** Where this process reaches the store. */
  endpoint: string
  /** What stands in the presigned URLs that the checks use. */
  publicEndpoint: string
  /** What stands in those that clients get, and the setting that says so: the same, unless the server does not run. */
  named: { url: string; setting: string }
  bucket: string
  region: string
  pathStyle: boolean
  /** Before every key of ours. */
  prefix: string
  credentials: SigningCredentials
  /** When temporary credentials end; null where nobody says, or they do not. */
  expiration: Date | null
  /** Of `storage.s3.provider`, resolved. */
  provider: string
  /** Whether URLs are bound to the length of the file: the store compares what arrives. */
  signsLength: boolean
  /** Seconds that the longest URL is to live; null: these credentials sign none that clients get. */
  longestUrl: number | null
  /** From where pages ask; none: CORS is not checked. */
  origins: readonly string[]
  now: () => Date
}

export type Answer = Received & { text: string; code: string | null; message: string | null }

export type Request = {
  method: string
  /** Absent: the bucket. */
  key?: string
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
  body?: Buffer
}

export type StoreProbe = {
  readonly target: StoreTarget
  /** Before every key of this run. */
  readonly folder: string
  /** A key of ours, to be removed in the end whoever makes it. */
  key(name: string): string
  /** Signed in the Authorization header. */
  request(o: Request): Promise<Answer>
  /** For the public endpoint. `headers` are signed. */
  presign(o: Request & { key: string }): PresignedUrl
  /** Nothing is signed beside what stands in the URL. */
  fetch(url: string, o: { method: string; headers?: Readonly<Record<string, string>>; body?: Buffer }): Promise<Answer>
  /** The bucket listed, asked once. */
  first(): Promise<Answer>
  /** Seconds by which the store is ahead of us: signatures are dated by its clock from then on. */
  setClock(ahead: number): void
  now(): Date
  bucketUrl(): string
  objectUrl(key: string): string
  /** Removes every object and upload below our random prefix, after an interruption too. The keys of what may still be there are returned. */
  cleanUp(): Promise<string[]>
}

const empty = Buffer.alloc(0)

/** After `signal` every check ends at its next request; see `send` for the one under way. */
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

/** The Host that arrived, where a SignatureDoesNotMatch answer tells the canonical request. */
export const hostSeen = ({ text }: Answer): string | null =>
  /<CanonicalRequest>[^<]*?\bhost:([^\n\r<&]+)/.exec(text)?.[1] ?? null

/** `403 AccessDenied`, for sentences. */
export const said = ({ status, code }: Answer): string => (code === null ? `${status}` : `${status} ${code}`)
