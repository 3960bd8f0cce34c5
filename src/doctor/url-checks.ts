import { failed, ok, reason, unknown, type Check } from './check.ts'
import { hostSeen, said, type Answer, type StoreProbe } from './bucket/store-probe.ts'
import { strippedPrefix } from './bucket/presigned-checks.ts'
import { randomBytes } from 'node:crypto'
import { send } from './send.ts'

export type UrlSubject = {
  /** Where the API listens on this machine. */
  listenUrl: string
  /** `server.publicUrl`, or null for `auto`. */
  apiUrl: string | null
  /** What an installation with our secret answers. */
  proof: (nonce: string) => string
  /** The objects endpoint as URLs name it, where the server serves objects itself. */
  objectsUrl: string | null
  /** To write at where it listens and read where URLs point to; null where it does not serve objects. */
  objects: StoreProbe | null
  signal?: AbortSignal | undefined
}

export type UrlCheck = Check<UrlSubject>

/** Whether the server that this configuration describes is running on this machine. */
export const server: UrlCheck = {
  name: 'server',
  async run({ listenUrl, ...who }) {
    const met = await askNonce(listenUrl, who).catch(() => null)
    if (met === null) {
      return unknown(
        `The server does not run at ${listenUrl}: what its public URLs lead to cannot be checked.`,
        'Start it (postern serve) and run this again.',
      )
    }
    if (met.who === 'us') return ok(`The server runs at ${listenUrl}.`)
    const what = met.who === 'another' ? 'A gateway with other secrets' : 'Another program'
    return failed(
      `${what} answers at ${listenUrl}.`,
      'Stop it, or choose another port in server.listen; for a gateway, use its configuration (--config, --storage).',
    )
  },
}

/** A nonce through the public URL of the API. */
export const apiUrl: UrlCheck = {
  name: 'api-url',
  needs: ['server'],
  async run({ apiUrl: url, ...who }) {
    if (url === null) return ok('server.publicUrl is auto: the address that is listened at.')
    let met: Met
    try {
      met = await askNonce(url, who)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A machine behind NAT often cannot reach itself by its public name.
      if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH')
        return unknown(`${url} cannot be reached from here: ${reason(error)}.`, 'Ask it from outside: GET /healthz.')
      return failed(
        `${url} cannot be reached: ${reason(error)}.`,
        'Look at DNS, certificate and proxy; or correct server.publicUrl.',
      )
    }
    if (met.who !== 'us') {
      const what = met.who === 'another' ? 'another gateway' : `something else (${met.status})`
      return failed(
        `${url} leads to ${what}.`,
        'Let the proxy pass / on to server.listen, or correct server.publicUrl.',
      )
    }
    const { host } = new URL(url)
    if (met.host === host) return ok(`${url} leads here.`)
    return ok(
      `${url} leads here; a proxy rewrites Host: ${host} was sent, ${met.host} arrived. The API does without it.`,
    )
  },
}

/** A nonce is written where the server listens and read by a presigned URL: it must be the same server, and the same Host. */
export const objectsUrl: UrlCheck = {
  name: 'objects-url',
  needs: ['server'],
  async run({ objects: probe, objectsUrl: url }) {
    if (probe === null || url === null) return ok('URLs point to the bucket.')
    const nonce = randomBytes(16)
    const key = probe.key('nonce')
    const written = await probe.request({ method: 'PUT', key, body: nonce })
    if (written.status !== 200) return unknown(`The nonce could not be written (${said(written)}).`)
    let read: Answer
    try {
      read = await probe.fetch(probe.presign({ method: 'GET', key }).url, { method: 'GET' })
    } catch (error) {
      return failed(
        `${url} cannot be reached: ${reason(error)}.`,
        'Look at DNS, certificate and proxy; or correct objects.publicUrl.',
      )
    }
    if (read.status === 200 && read.body.equals(nonce)) return ok(`${url} leads here, Host unchanged.`)
    const { host } = new URL(url)
    const arrived = hostSeen(read)
    if (read.code === 'SignatureDoesNotMatch' && arrived !== null && arrived !== host) {
      return failed(
        `A proxy before ${url} rewrites Host: ${host} was sent, ${arrived} arrived. Every presigned URL is refused.`,
        'Let it pass Host on: nginx "proxy_set_header Host $http_host;", Apache "ProxyPreserveHost On"; Caddy and Traefik do.',
      )
    }
    if (read.code === 'SignatureDoesNotMatch') {
      return failed(
        `Through ${url} another request arrives than is sent.`,
        'Let the proxy pass path and query on byte for byte: nginx "proxy_pass http://127.0.0.1:4001;" without a path.',
      )
    }
    const stripped = strippedPrefix(read, url)
    if (stripped) return stripped
    return failed(
      `${url} leads elsewhere (${said(read)}).`,
      'Let the proxy pass it on to objects.listen, or correct objects.publicUrl.',
    )
  },
}

export type Met = {
  who: 'us' | 'another' | 'something'
  status: number
  /** The Host that arrived there. */
  host: string | null
}

/** Asks an address who it is. `another`: a gateway with other secrets. `something`: no gateway. Errors: the connection's. */
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
