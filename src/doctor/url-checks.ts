import { failed, ok, reason, unknown, type Check } from './check.ts'
import { hostSeen, said, type StoreProbe } from './bucket/store-probe.ts'
import { strippedPrefix } from './bucket/presigned-checks.ts'
import { randomBytes } from 'node:crypto'
import { send } from './send.ts'
import type { Answer } from './bucket/traces.ts'

export type UrlSubject = {
  /** The listening address of the API on this machine. */
  listenUrl: string
  /** `server.publicUrl`, or null for `auto`. */
  apiUrl: string | null
  /** The answer of an installation with the same secret. */
  proof: (nonce: string) => string
  /** The public URL of the objects endpoint. Null if the server does not serve objects. */
  objectsUrl: string | null
  /** Writes at the listening address and reads at the public URL. Null if the server does not serve objects. */
  objects: StoreProbe | null
  signal?: AbortSignal | undefined
}

export type UrlCheck = Check<UrlSubject>

/** Checks that the server of this configuration runs on this machine. */
export const server: UrlCheck = {
  name: 'server',
  async run({ listenUrl, ...who }) {
    const met = await askNonce(listenUrl, who).catch(() => null)
    if (met === null) {
      return unknown(
        `The server does not run at ${listenUrl}, so its public URLs cannot be checked.`,
        'Start it (postern serve) and run this again.',
      )
    }
    if (met.who === 'us') return ok(`The server runs at ${listenUrl}.`)
    const what = met.who === 'another' ? 'A gateway with other secrets' : 'Another program'
    return failed(
      `${what} answers at ${listenUrl}.`,
      'Stop it, or choose another port in server.listen. If it is your gateway, use its configuration (--config, --storage).',
    )
  },
}

/** Sends a nonce through the public URL of the API. */
export const apiUrl: UrlCheck = {
  name: 'api-url',
  needs: ['server'],
  async run({ apiUrl: url, ...who }) {
    if (url === null) return ok('server.publicUrl is auto, the listening address.')
    let met: Met
    try {
      met = await askNonce(url, who)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A machine behind NAT often cannot connect to its own public address.
      if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH')
        return unknown(
          `${url} cannot be reached from this machine: ${reason(error)}.`,
          'Try GET /healthz from another network.',
        )
      return failed(
        `${url} cannot be reached: ${reason(error)}.`,
        'Check DNS, certificate and proxy, or correct server.publicUrl.',
      )
    }
    if (met.who !== 'us') {
      const what = met.who === 'another' ? 'another gateway' : `something else (${met.status})`
      return failed(
        `${url} leads to ${what}.`,
        'Configure the proxy to forward / to server.listen, or correct server.publicUrl.',
      )
    }
    const { host } = new URL(url)
    if (met.host === host) return ok(`${url} leads to this server.`)
    return ok(
      `${url} leads to this server. A proxy rewrites Host: ${host} was sent, ${met.host} arrived. The API does not need it.`,
    )
  },
}

/** Writes a nonce at the listening address and reads it with a presigned URL. This fails for another server or another Host. */
export const objectsUrl: UrlCheck = {
  name: 'objects-url',
  needs: ['server'],
  async run({ objects: probe, objectsUrl: url }) {
    if (probe === null || url === null) return ok('URLs point to the bucket.')
    const nonce = randomBytes(16)
    const key = probe.key('nonce')
    const written = await probe.request({ method: 'PUT', key, body: nonce })
    if (written.status !== 200) return unknown(`The test object could not be written (${said(written)}).`)
    let read: Answer
    try {
      read = await probe.fetch(probe.presign({ method: 'GET', key }).url, { method: 'GET' })
    } catch (error) {
      return failed(
        `${url} cannot be reached: ${reason(error)}.`,
        'Check DNS, certificate and proxy, or correct objects.publicUrl.',
      )
    }
    if (read.status === 200 && read.body.equals(nonce)) return ok(`${url} leads to this server, and Host is unchanged.`)
    const { host } = new URL(url)
    const arrived = hostSeen(read)
    if (read.code === 'SignatureDoesNotMatch' && arrived !== null && arrived !== host) {
      return failed(
        `A proxy in front of ${url} rewrites Host: ${host} was sent, ${arrived} arrived. Every presigned URL is refused.`,
        'Configure it to forward Host: nginx "proxy_set_header Host $http_host;", Apache "ProxyPreserveHost On". Caddy and Traefik do so by default.',
      )
    }
    if (read.code === 'SignatureDoesNotMatch') {
      return failed(
        `A proxy in front of ${url} changes the request.`,
        'Configure the proxy to forward path and query byte for byte: nginx "proxy_pass http://127.0.0.1:4001;" without a path.',
      )
    }
    const stripped = strippedPrefix(read, url)
    if (stripped) return stripped
    return failed(
      `${url} leads elsewhere (${said(read)}).`,
      'Configure the proxy to forward it to objects.listen, or correct objects.publicUrl.',
    )
  },
}

export type Met = {
  who: 'us' | 'another' | 'something'
  status: number
  /** The Host that arrived. */
  host: string | null
}

/**
 * Sends a nonce to `base`. `another` is a gateway with other secrets, `something` is another program. Errors: those of
 * the connection.
 */
export async function askNonce(base: string, { proof, signal }: Pick<UrlSubject, 'proof' | 'signal'>): Promise<Met> {
  const nonce = randomBytes(16).toString('hex')
  const { status, body } = await send({
    url: `${base.replace(/\/+$/, '')}/healthz?nonce=${nonce}`,
    method: 'GET',
    signal,
  })
  const answer = parse(body.toString('utf8'))
  const host = typeof answer['host'] === 'string' ? answer['host'] : null
  if (typeof answer['proof'] !== 'string') return { who: 'something', status, host }
  return { who: answer['proof'] === proof(nonce) ? 'us' : 'another', status, host }
}

function parse(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export const urlChecks: readonly UrlCheck[] = [server, apiUrl, objectsUrl]
