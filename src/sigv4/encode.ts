/**
 * RFC 3986 encoding as Signature V4 requires it, and canonical forms of a received target.
 *
 * A path is decoded and encoded once. A client that sends `!` raw and signs `%21` verifies, and so does one that
 * sends `%2F` for a slash. The form is injective over decoded keys: two targets with one canonical path name one key.
 * A raw `+` is always a plus, in the path and in the query, never a space.
 */

const unreserved = /^[A-Za-z0-9._~-]*$/
const unreservedPath = /^[A-Za-z0-9._~/-]*$/

/** Each byte's form in a canonical query or, with the slash unescaped, in a canonical path. */
const encodedByte = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return unreserved.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})
const encodedPathByte = encodedByte.with(0x2f, '/')

const hexEncoded = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`

/** Encodes everything except `A-Z a-z 0-9 - . _ ~`. Throws URIError on a lone surrogate. */
export function encodeRfc3986(text: string): string {
  return unreserved.test(text) ? text : encodeURIComponent(text).replace(/[!'()*]/g, hexEncoded)
}

/** Like encodeRfc3986, but keeps slashes. For object keys in a URL. */
export function encodePath(key: string): string {
  return unreservedPath.test(key) ? key : encodeRfc3986(key).replaceAll('%2F', '/')
}

/** Splits a request target at its first `?`. */
export function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?')
  return at === -1 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) }
}

/**
 * Whether a target contains what a URI must not: `%` without two hex digits, percent-encoded invalid UTF-8, or bytes
 * outside printable ASCII (RFC 3986, section 2). Such a request is `InvalidURI`, even with a valid signature.
 */
export function hasMalformedEncoding(target: string): boolean {
  if (/[^\x21-\x7e]/.test(target)) return true
  if (!target.includes('%')) return false
  try {
    decodeURIComponent(target)
    return false
  } catch {
    return true
  }
}

/** One decoded component, or null if it is malformed. */
export function decodeComponent(raw: string): string | null {
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch {
    return null
  }
}

/** Limit of query parameters in a request to verify. S3 itself defines fewer than 50. */
export const maxQueryParameters = 100

export type QueryParameter = { name: string; value: string }

/**
 * The decoded parameters of a raw query, in order. `k` and `k=` are equal. Route by this and not by URLSearchParams,
 * which reads a raw `+` as a space, because the signature covers this reading. A component that cannot be decoded is
 * kept as it is.
 */
export function parseQuery(query: string): QueryParameter[] {
  const parameters: QueryParameter[] = []
  for (const [name, value] of rawParameters(query)) {
    parameters.push({ name: decodeComponent(name) ?? name, value: decodeComponent(value) ?? value })
  }
  return parameters
}

/** The canonical URI of a raw path. */
export function canonicalPath(path: string): string {
  if (path === '') return '/'
  return unreservedPath.test(path) ? path : recode(path, encodedPathByte)
}

/** The canonical query string of a raw query, without the parameter `except`. Sorted by encoded name, then value. */
export function canonicalQuery(query: string, except?: string): string {
  const pairs: [string, string][] = []
  for (const [rawName, rawValue] of rawParameters(query)) {
    const name = canonicalComponent(rawName)
    if (name !== except) pairs.push([name, canonicalComponent(rawValue)])
  }
  return joinSorted(pairs)
}

/** Joins encoded `name=value` pairs in canonical order. */
export function joinSorted(pairs: [string, string][]): string {
  return pairs
    .toSorted(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

type RawParameters = readonly (readonly [name: string, value: string])[]

/** A one-entry cache, because the router, the verifier and the canonical form all read the same query. */
let last: { query: string; parameters: RawParameters } = { query: '', parameters: [] }

function rawParameters(query: string): RawParameters {
  if (query !== last.query) last = { query, parameters: cutParameters(query) }
  return last.parameters
}

function cutParameters(query: string): RawParameters {
  const parameters: (readonly [string, string])[] = []
  for (const piece of query.split('&')) {
    if (piece === '') continue
    const at = piece.indexOf('=')
    parameters.push(at === -1 ? [piece, ''] : [piece.slice(0, at), piece.slice(at + 1)])
  }
  return parameters
}

const canonicalComponent = (raw: string): string => (unreserved.test(raw) ? raw : recode(raw, encodedByte))

/** Decodes and encodes byte by byte. A `%` without an escape is an ordinary character. */
function recode(raw: string, table: readonly string[]): string {
  let out = ''
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i)
    const escaped = code === 0x25 ? escapedByte(raw, i) : -1
    if (escaped >= 0) {
      out += table[escaped]
      i += 2
    } else {
      out += code < 256 ? table[code] : encodeURIComponent(raw.charAt(i).toWellFormed())
    }
  }
  return out
}

function escapedByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at + 1))
  const low = hexDigit(text.charCodeAt(at + 2))
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
