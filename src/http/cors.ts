import type { ServerResponse } from 'node:http'
import type { Middleware } from 'koa'

export type CorsPolicy = {
  /** Exact origins, or `*`. `null` (a sandboxed page, a file) never matches an exact list. */
  origins: readonly string[]
  methods: readonly string[]
  /** Request headers that a preflight may ask for. `any` mirrors the requested ones. */
  headers: readonly string[] | 'any'
  expose: readonly string[]
  /** Seconds a browser may cache the response to a preflight. */
  maxAge: number
  /** Allows cookies. Only for exact origins, never for `*`. */
  credentials?: boolean
}

/** The value of Access-Control-Allow-Origin, or null if the origin is not allowed. */
export function allowedOrigin(origins: readonly string[], origin: string | undefined): string | null {
  if (origin === undefined || origin === 'null') return null
  if (origins.includes(origin)) return origin
  return origins.includes('*') ? '*' : null
}

/** Adds a name to Vary and keeps the existing ones. */
export function vary(res: ServerResponse, name: string): void {
  const present = res.getHeader('vary')
  if (present === undefined) res.setHeader('vary', name)
  else if (!String(present).toLowerCase().split(/,\s*/).includes(name.toLowerCase())) {
    res.setHeader('vary', `${String(present)}, ${name}`)
  }
}

/** Sets the headers of a response to this origin. Sets Vary for every origin, so that caches do not mix responses. */
export function setCorsHeaders(res: ServerResponse, policy: CorsPolicy, origin: string | undefined): boolean {
  vary(res, 'Origin')
  const allowed = allowedOrigin(policy.origins, origin)
  if (allowed === null) return false
  res.setHeader('access-control-allow-origin', allowed)
  if (policy.expose.length > 0) res.setHeader('access-control-expose-headers', policy.expose.join(', '))
  if (policy.credentials === true && allowed !== '*') res.setHeader('access-control-allow-credentials', 'true')
  return true
}

/**
 * Allows a page that was redirected here from another origin, for which browsers send `Origin: null`. Without
 * credentials, and only if `*` allows every origin.
 */
export function allowRedirectedPage(res: ServerResponse, origins: readonly string[], origin: string | undefined): void {
  if (origin === 'null' && origins.includes('*')) res.setHeader('access-control-allow-origin', 'null')
}

export type Preflight = { origin: string; method: string; headers: string[] }

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

/** Answers a preflight. Returns false and sets no CORS header if the policy does not allow the request. */
export function setPreflightHeaders(res: ServerResponse, policy: CorsPolicy, asked: Preflight): boolean {
  vary(res, 'Access-Control-Request-Method')
  vary(res, 'Access-Control-Request-Headers')
  const { headers } = policy
  const permitted =
    policy.methods.includes(asked.method) &&
    (headers === 'any' || asked.headers.every((name) => headers.some((known) => known.toLowerCase() === name)))
  if (!permitted) {
    vary(res, 'Origin')
    return false
  }
  if (!setCorsHeaders(res, policy, asked.origin)) return false
  res.removeHeader('access-control-expose-headers')
  res.setHeader('access-control-allow-methods', policy.methods.join(', '))
  if (asked.headers.length > 0) res.setHeader('access-control-allow-headers', asked.headers.join(', '))
  res.setHeader('access-control-max-age', String(policy.maxAge))
  return true
}

/**
 * CORS for an app with one policy. Answers preflights, and sets the headers of all other responses before the route
 * runs.
 */
export function cors(policy: CorsPolicy): Middleware {
  return (ctx, next) => {
    const asked = readPreflight(ctx.method, ctx.req.headers)
    if (asked !== null) {
      setPreflightHeaders(ctx.res, policy, asked)
      ctx.status = 204
      return Promise.resolve()
    }
    setCorsHeaders(ctx.res, policy, ctx.req.headers.origin)
    return next()
  }
}
