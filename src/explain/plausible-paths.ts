import { canonicalPath } from '../sigv4/encode.ts'
import { change, decoded, type Change } from './change.ts'
import type { Original } from './original.ts'
import type { Claims } from './read-claims.ts'

type PathChange = { path: (path: string, claims: Claims) => string | null; advice: string }

const asIssued = 'Send the path exactly as it was issued, without decoding or encoding it again.'

/** Changes that clients, proxies and other signers make to a path. null or the same path: does not apply. */
const pathChanges: readonly PathChange[] = [
  { path: (path) => recoded(path), advice: `The path was encoded twice. ${asIssued}` },
  {
    path: (path) => canonicalPath(path.replaceAll('%', '%25')),
    advice:
      'The signer encoded the path twice, as services other than S3 require. Disable that (uriEscapePath: false, doubleUrlEncode: false, or the S3 signer).',
  },
  {
    path: (_, { path: raw }) => canonicalPath(raw.replaceAll('+', '%20')),
    advice: 'Encode a space in a path as %20. A "+" there is a plus.',
  },
  { path: (path) => path.replaceAll('%20', '%2B'), advice: 'Write a plus in a path as "+" or %2B. A %20 is a space.' },
  { path: (path) => path.replace(/\/$/, ''), advice: 'A trailing slash was added. Send the path as it was issued.' },
  { path: (path) => `${path}/`, advice: 'The trailing slash was removed. Send the path as it was issued.' },
  {
    path: (path) => path.replaceAll(/\/{2,}/g, '/'),
    advice: 'The signer merged "//" to "/" and signed a different key.',
  },
  {
    path: (path, { pathPrefix }) => pathPrefix + path.slice(pathPrefix.length).replace(/^(\/[^/]+)\/(?=[^/])/, '$1//'),
    advice: 'A proxy merged "//" to "/". Disable that (nginx: "merge_slashes off;").',
  },
  {
    path: (path, { pathPrefix }) => (pathPrefix === '' ? null : path.slice(pathPrefix.length)),
    advice: 'The signer left out the path prefix of objects.publicUrl. Use the whole URL as its endpoint.',
  },
  {
    path: (path, { pathPrefix }) => (pathPrefix === '' ? null : `${pathPrefix}${path}`),
    advice: 'The path prefix appears twice. The signer or the proxy added it again.',
  },
  {
    path: (path) => path.replaceAll(/%21|%27|%28|%29|%2A/g, decoded),
    advice: "The signer does not encode !'()*, which Signature V4 requires.",
  },
  { path: (path) => path.replaceAll('~', '%7E'), advice: 'The signer encodes "~", which Signature V4 does not allow.' },
  {
    path: (path) => insideKey(path, (key) => key.replaceAll('/', '%2F')),
    advice: 'The signer encodes the slashes of a key, which Signature V4 does not allow.',
  },
  {
    path: (path) => path.toLowerCase().replaceAll(/%[0-9a-f]{2}/g, (escape) => escape.toUpperCase()),
    advice: 'The case of the path was changed. Keys are case-sensitive.',
  },
  { path: (path) => canonicalPath(encodeURI(decoded(path).normalize('NFC'))), advice: normalised('NFD') },
  { path: (path) => canonicalPath(encodeURI(decoded(path).normalize('NFD'))), advice: normalised('NFC') },
  {
    path: (path) => insideKey(path, (key) => key, ''),
    advice: 'The bucket was added to the path. Sign in path style, or use the URL as it was issued.',
  },
]

export function plausiblePaths(sent: Original, claims: Claims): Change[] {
  const seen = new Set([sent.path])
  return pathChanges.flatMap(({ path: apply, advice }) => {
    const signed = apply(sent.path, claims)
    if (signed === null || signed === '' || seen.has(signed)) return []
    seen.add(signed)
    const message = `The path was signed as ${signed} but sent as ${sent.path}.`
    const about = { signed, sent: sent.path }
    return [change('PathChanged', about, { message, advice }, (original) => ({ ...original, path: signed }))]
  })
}

function recoded(path: string): string | null {
  return path.includes('%25') ? canonicalPath(path.replaceAll(/%25(?=[0-9A-Fa-f]{2})/g, '%')) : null
}

function insideKey(path: string, edit: (key: string) => string, bucket?: string): string | null {
  const slash = path.indexOf('/', 1)
  if (slash === -1) return null
  return `${bucket ?? path.slice(0, slash)}/${edit(path.slice(slash + 1))}`
}

function normalised(sent: string): string {
  return `An accented letter was changed to its other Unicode form (${sent} was sent). Keep the key as it was issued.`
}
