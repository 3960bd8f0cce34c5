import { encodeRfc3986 } from './encode.ts'
import { BoundedCache } from './signing-key.ts'

type BaseUrl = { protocol: string; host: string; path: string }

const baseUrls = new BoundedCache<string, BaseUrl>(32)

export type Target = {
  /** `https://bucket.example.com` */
  origin: string
  /** The Host header. Without a default port, as all clients send it. */
  host: string
  /** Encoded, up to and including the slash before the key. */
  basePath: string
}

/** The URL of a bucket at an endpoint. A trailing slash of the endpoint is ignored. */
export function resolveTarget(o: { endpoint: string; bucket: string; pathStyle: boolean }): Target {
  const { protocol, host, path } = baseUrls.get(o.endpoint, () => parseBaseUrl(o.endpoint))
  if (o.bucket === '') throw new TypeError('the bucket name is empty')
  if (o.pathStyle) return { origin: `${protocol}//${host}`, host, basePath: `${path}/${encodeRfc3986(o.bucket)}/` }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9.-]*$/.test(o.bucket))
    throw new TypeError('this bucket name cannot be part of a host name')
  return { origin: `${protocol}//${o.bucket}.${host}`, host: `${o.bucket}.${host}`, basePath: `${path}/` }
}

/** An empty key would address the bucket, and clients resolve `.` and `..` before sending. */
export function assertKey(key: string): void {
  if (key === '' || /(?:^|\/)\.\.?(?:\/|$)/.test(key)) {
    throw new TypeError('a key must not be empty or contain the segment . or ..')
  }
}

function parseBaseUrl(endpoint: string): BaseUrl {
  const url = new URL(endpoint)
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new TypeError('an endpoint consists of a scheme, a host and optionally a port and a path')
  }
  return { protocol: url.protocol, host: url.host, path: url.pathname.replace(/\/+$/, '') }
}
