import { StorageError } from '../errors.ts'
import type { ByteRange } from '../drivers/driver.ts'

const largest = Number.MAX_SAFE_INTEGER
const offset = (digits: string): number => Math.min(Number(digits), largest)

/**
 * One byte range of a Range header (RFC 9110 §14.1.2). undefined, which means the whole object, for an invalid range,
 * other units or several ranges. S3 serves one range at a time, and many small ranges are a way to overload a server.
 */
export function parseRange(header: string | undefined): ByteRange | undefined {
  // No run of spaces can match in two ways, which would take quadratic time.
  const [, first = '', last = ''] = /^bytes=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?$/i.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') return { suffix: offset(last) }
  if (last === '') return { start: offset(first) }
  return offset(first) > offset(last) ? undefined : { start: offset(first), end: offset(last) }
}

/** The offsets of a range in an object of `size` bytes. Throws InvalidRange. */
export function resolveRange(range: ByteRange, size: number): { start: number; end: number } {
  const start = 'suffix' in range ? Math.max(0, size - range.suffix) : range.start
  const end = 'suffix' in range ? size - 1 : Math.min(range.end ?? largest, size - 1)
  if (start >= size || ('suffix' in range && range.suffix === 0)) {
    throw new StorageError('InvalidRange', {
      message: 'The requested range is not satisfiable',
      details: { ActualObjectSize: size },
    })
  }
  return { start, end }
}
