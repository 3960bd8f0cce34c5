/** Describes what a drop would do, as far as the browser reports it beforehand. */
import { formatBytes, plural } from './format.ts'

/** An empty type means a folder or an unknown type. A null size is known only after the drop. */
export type DraggedItem = { type: string; size: number | null }
export type UploadLimits = { maxSize: number; allowedTypes: readonly string[] }

/** `image/*` allows every type that starts with `image/`. */
export const isAllowed = (type: string, allowed: readonly string[]): boolean =>
  allowed.some((a) => a === '*/*' || a === type || (a.endsWith('/*') && type.startsWith(a.slice(0, -1))))

/** `Drop 12 files, 340 MiB`, followed by what will be refused. */
export function describeDrop(
  items: readonly DraggedItem[],
  limits: UploadLimits | null,
): { invitation: string; refusals: string[] } {
  const sizes = items.flatMap(({ size }) => (size === null ? [] : [size]))
  const isWhole = items.length > 0 && sizes.length === items.length
  // A folder looks like a file of unknown type.
  const noun = items.some(({ type, size }) => type === '' && size === null) ? 'item' : 'file'
  const what = items.length === 0 ? 'Drop to upload' : `Drop ${plural(items.length, noun)}`
  const invitation = isWhole ? `${what}, ${formatBytes(sizes.reduce((sum, size) => sum + size, 0))}` : what
  if (!limits) return { invitation, refusals: [] }
  const foreign = new Set(items.map(({ type }) => type).filter((t) => t && !isAllowed(t, limits.allowedTypes)))
  const large = sizes.filter((size) => size > limits.maxSize).length
  const refusals = [
    ...(foreign.size > 0 ? [`${[...foreign].join(', ')} ${foreign.size > 1 ? 'are' : 'is'} not allowed here`] : []),
    ...(large > 0 ? [`${plural(large, 'file')} over the limit of ${formatBytes(limits.maxSize)}`] : []),
  ]
  return { invitation, refusals }
}
