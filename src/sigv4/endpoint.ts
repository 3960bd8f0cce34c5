import { encodeRfc3986 } from './encode.ts'
import { BoundedCache } from './signing-key.ts'

type BaseUrl = { protocol: string; host: string; path: string }

const baseUrls = new BoundedCache<string, BaseUrl>(32)

export type Target = {
  /** `https://bucket.example.com` */
  origin: string
  /** The Host header; a default port is left out, as every client does. */
  host: string
  /** Encoded, up to and with the slash before the key. */
  basePath: string
}

/** Where a bucket lies at an endpoint. A slash at the end of the endpoint counts for nothing. */
export function resolveTarget(o: { endpoint: string; bucket: string; pathStyle: boolean }): Target {
  const { protocol, host, path } = baseUrls.get(o.endpoint, () => parseBaseUrl(o.endpoint))
  if (o.bucket === '') throw new TypeError('a bucket has a name')
  if (o.pathStyle) return { origin: `${protocol}//${host}`, host, basePath: `${path}/${encodeRfc3986(o.bucket)}/` }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9.-]*$/.test(o.bucket)) throw new TypeError('this bucket name cannot stand in a host name')
  return { origin: `${protocol}//${o.bucket}.${host}`, host: `${o.bucket}.${host}`, basePath: `${path}/` }
}

/** An empty key would address the bucket, and clients collapse `.` and `..` before they send them. */
export function assertKey(key: string): void {
  if (key === '' || /(?:^|\/)\.\.?(?:\/|$)/.test(key)) {
    throw new TypeError('a key is not empty and has no segment . or ..')
  }
}

function parseBaseUrl(endpoint: string): BaseUrl {
  const url = new URL(endpoint)
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new TypeError('an endpoint is a scheme, a host and at most a port and a path')
  }
  return { protocol: url.protocol, host: url.host, path: url.pathname.replace(/\/+$/, '') }
}
