/**
 * Where a file lay in the folder that it came in. A filename has no slashes, so the path is kept in the metadata, under
 * the name that Uppy gives it too.
 */
import { displayName } from './format.ts'

const metadataName = 'relativePath'

/** Bytes. All metadata of a file may take 2048, and more may be added to it later. */
const longest = 1024

/** `path` is that of a file: `photos/2026/a.jpg`. One without folders needs none. Too long, it loses its outermost. */
export function metadataOfPath(path: string): Record<string, string> {
  if (!path.includes('/')) return {}
  const wellFormed = path.toWellFormed()
  const encoder = new TextEncoder()
  const measure = (text: string): number => encoder.encode(text).length
  if (measure(wellFormed) <= longest) return { [metadataName]: wellFormed }
  const segments = wellFormed.split('/')
  while (segments.length > 1 && measure(`…/${segments.join('/')}`) > longest) segments.shift()
  return segments.length > 1 ? { [metadataName]: `…/${segments.join('/')}` } : {}
}

/** `photos/2026`; empty where it came alone. */
export function folderOf({ metadata }: { metadata: Record<string, string> }): string {
  return folderOfPath(metadata[metadataName] ?? '')
}

export function folderOfPath(path: string): string {
  const segments = path.split(/[/\\]/).filter((segment) => segment !== '')
  return displayName(segments.slice(0, -1).join('/'))
}
