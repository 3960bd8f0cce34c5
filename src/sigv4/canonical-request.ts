/**
 * The canonical request, over what stood on the wire:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * All of it are binary strings (one char, one byte): header values are hashed with the bytes they were sent with.
 */

/** Names in lower case, values in canonical form; a name sent twice has its values joined with `,`. */
export type CanonicalHeaders = ReadonlyMap<string, string>

/** From `rawHeaders`, because Node's `headers` drop some duplicates and join the others with `, `. */
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

/** Outer white space removed, inner runs of it folded to one space. */
export function canonicalValue(value: string): string {
  return /^[ \t]|[ \t]$|\t| {2}/.test(value) ? value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '') : value
}

export type CanonicalParts = {
  method: string
  /** Canonical already. */
  path: string
  /** Canonical already, X-Amz-Signature left out. */
  query: string
  /** In the order in which they are signed. */
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
