/**
 * The canonical request, built from the request as received:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * All strings are binary (one character per byte), so header values are hashed with the bytes that were sent.
 */

/** Names in lower case, values in canonical form. Values of a repeated name are joined with `,`. */
export type CanonicalHeaders = ReadonlyMap<string, string>

/** Reads `rawHeaders`, because Node's `headers` drop some duplicates and join others with `, `. */
export function canonicalHeaders(rawHeaders: readonly string[]): CanonicalHeaders {
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    const value = canonicalValue(rawHeaders[i + 1]!)
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

/** Trims outer white space and collapses inner white space to one space. */
export function canonicalValue(value: string): string {
  return /^[ \t]|[ \t]$|\t| {2}/.test(value) ? value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '') : value
}

export type CanonicalParts = {
  method: string
  /** Already canonical. */
  path: string
  /** Already canonical, without X-Amz-Signature. */
  query: string
  /** In signing order. */
  headers: readonly (readonly [name: string, value: string])[]
  payload: string
}

export function canonicalRequest({ method, path, query, headers, payload }: CanonicalParts): string {
  let lines = ''
  let names = ''
  for (const [name, value] of headers) {
    lines += `${name}:${value}\n`
    names += names === '' ? name : `;${name}`
  }
  return `${method}\n${path}\n${query}\n${lines}\n${names}\n${payload}`
}
