/**
 * The relative path of a file that came in a folder. A filename has no slashes, so the path is kept in the metadata,
 * under the name that Uppy gives it too.
 */

export const metadataName = 'relativePath'

/** Bytes. All metadata of a file may take 2048, and more may be added to it later. */
const longest = 1024

/** `path` is that of a file: `photos/2026/a.jpg`. One without folders needs none. Too long, it loses its outermost. */
export function metadataOfPath(path: string): Record<string, string> {
  if (!path.includes('/')) return {}
  // Firefox before 119 has no toWellFormed.
  const wellFormed = (path as { toWellFormed?(): string }).toWellFormed?.() ?? path
  const encoder = new TextEncoder()
  const measure = (text: string): number => encoder.encode(text).length
  if (measure(wellFormed) <= longest) return { [metadataName]: wellFormed }
  const segments = wellFormed.split('/')
  while (segments.length > 1 && measure(`…/${segments.join('/')}`) > longest) segments.shift()
  return segments.length > 1 ? { [metadataName]: `…/${segments.join('/')}` } : {}
}

/** `photos/2026/a.jpg` of a file from a folder that was chosen or dropped (react-dropzone's `relativePath`). */
export const pathOf = (file: File & { relativePath?: string }): string =>
  (file.relativePath || file.webkitRelativePath || '').replace(/^\.?\//, '')
