/**
 * The relative path of a file from a folder. A filename has no slashes, so the path is kept in the metadata, under
 * the name that Uppy also uses.
 */

export const metadataName = 'relativePath'

/** Bytes. A file's metadata is limited to 2048 bytes, and more may be added later. */
const maxPathBytes = 1024

/**
 * `path` is the path of a file, e.g. `photos/2026/a.jpg`. Without folders the result is empty. A path that is too
 * long loses its outermost folders.
 */
export function metadataOfPath(path: string): Record<string, string> {
  if (!path.includes('/')) return {}
  // Firefox before 119 has no toWellFormed.
  const wellFormed = (path as { toWellFormed?(): string }).toWellFormed?.() ?? path
  const encoder = new TextEncoder()
  const measure = (text: string): number => encoder.encode(text).length
  if (measure(wellFormed) <= maxPathBytes) return { [metadataName]: wellFormed }
  const segments = wellFormed.split('/')
  while (segments.length > 1 && measure(`…/${segments.join('/')}`) > maxPathBytes) segments.shift()
  return segments.length > 1 ? { [metadataName]: `…/${segments.join('/')}` } : {}
}

/**
 * The path of a file from a chosen or dropped folder, e.g. `photos/2026/a.jpg` (`relativePath` comes from
 * react-dropzone).
 */
export const pathOf = (file: File & { relativePath?: string }): string =>
  (file.relativePath || file.webkitRelativePath || '').replace(/^\.?\//, '')
