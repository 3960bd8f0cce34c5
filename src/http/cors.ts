/**
 * CORS for both origins. Each of them decides what a page may do, by its policy or by the rules of a bucket, as one
 * `CorsGrant`, and `setCorsHeaders` is the only place that writes it.
 */
import type { ServerResponse } from 'node:http'
import type { Middleware } from 'koa'

export type CorsGrant = {
  /** Value of Access-Control-Allow-Origin. */
  origin: string
  /** Allows cookies. Only for exact origins, never for `*`. */
  credentials?: boolean
  /** Response headers that the page may read. Empty or absent: only those that every page may read. */
  expose?: readonly string[]
  /** What a preflight asked for. */
  methods?: readonly string[]
  headers?: readonly string[]
  /** Seconds a browser may cache the response to a preflight. */
  maxAge?: number
}

export type CorsPolicy = {
  /** Exact origins, or `*`. `null` (a sandboxed page, a file) never matches an exact list. */
  origins: readonly string[]
  methods: readonly string[]
  expose: readonly string[]
  maxAge: number
  credentials?: boolean
}

export type Preflight = { origin: string; method: string; headers: string[] }

/** The value of Access-Control-Allow-Origin, or null if the origin is not allowed. */
export function allowedOrigin(origins: readonly string[], origin: string | undefined): string | null {
  if (origin === undefined || origin === 'null') return null
  if (origins.includes(origin)) return origin
  return origins.includes('*') ? '*' : null
}

/** What a policy grants to a page that sends a request. null: nothing. */
export function grantToPage(policy: CorsPolicy, origin: string | undefined): CorsGrant | null {
  const allowed = allowedOrigin(policy.origins, origin)
  if (allowed === null) return null
  return { origin: allowed, expose: policy.expose, credentials: policy.credentials === true && allowed !== '*' }
}

/** What a policy grants to a preflight. Every request header is allowed. null: nothing. */
export function grantToPreflight(policy: CorsPolicy, asked: Preflight): CorsGrant | null {
  if (!policy.methods.includes(asked.method)) return null
  const grant = grantToPage(policy, asked.origin)
  return grant && { ...grant, expose: [], methods: policy.methods, headers: asked.headers, maxAge: policy.maxAge }
}

/** Sets the headers of a grant in place of those that an earlier grant has set. */
export function setCorsHeaders(res: ServerResponse, grant: CorsGrant): void {
  const list = (names: readonly string[] = []): string | null => (names.length > 0 ? names.join(', ') : null)
  const headers = {
    'allow-origin': grant.origin,
    'allow-credentials': grant.credentials === true ? 'true' : null,
    'allow-methods': list(grant.methods),
    'allow-headers': list(grant.headers),
    'expose-headers': list(grant.expose),
    'max-age': grant.maxAge === undefined ? null : String(grant.maxAge),
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) res.removeHeader(`access-control-${name}`)
    else res.setHeader(`access-control-${name}`, value)
  }
}

/** Adds names to Vary and keeps the existing ones, so that caches do not mix the responses to different pages. */
export function vary(res: ServerResponse, ...names: string[]): void {
  for (const name of names) {
    const present = String(res.getHeader('vary') ?? '')
    if (present.toLowerCase().split(/,\s*/).includes(name.toLowerCase())) continue
    res.setHeader('vary', present === '' ? name : `${present}, ${name}`)
  }
}

export const varyByPreflight = (res: ServerResponse): void =>
  vary(res, 'Origin', 'Access-Control-Request-Method', 'Access-Control-Request-Headers')

/**
 * Allows a page that was redirected here from another origin, for which browsers send `Origin: null`. Without
 * credentials, and only if `*` allows every origin.
 */
export function allowRedirectedPage(res: ServerResponse, origins: readonly string[], origin: string | undefined): void {
  if (origin === 'null' && origins.includes('*')) res.setHeader('access-control-allow-origin', 'null')
}

const token = /^[!#$%&'*+.^_`|~\w-]+$/

/** What a preflight asks for, or null if the request is not a preflight. */
export function readPreflight(method: string | undefined, headers: NodeJS.Dict<string | string[]>): Preflight | null {
  const origin = headers['origin']
  const wanted = headers['access-control-request-method']
  if (method !== 'OPTIONS' || typeof origin !== 'string' || typeof wanted !== 'string') return null
  const asked = String(headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => token.test(name))
  return { origin, method: wanted, headers: asked }
}

/** CORS for an app with one policy. Answers preflights, and sets the headers of all other responses before the route. */
export function cors(policy: CorsPolicy): Middleware {
  return (ctx, next) => {
    const asked = readPreflight(ctx.method, ctx.req.headers)
    if (asked === null) vary(ctx.res, 'Origin')
    else varyByPreflight(ctx.res)
    const grant = asked ? grantToPreflight(policy, asked) : grantToPage(policy, ctx.req.headers.origin)
    if (grant) setCorsHeaders(ctx.res, grant)
    if (asked === null) return next()
    ctx.status = 204
    return Promise.resolve()
  }
}
