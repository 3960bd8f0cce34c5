/**
 * Builds one page of a listing with a delimiter. After each common prefix, the scan seeks past all keys below it, so
 * the cost depends on the entries of the page and not on the keys that they cover.
 */
import { textAfter } from './text-order.ts'

export type ScanOptions<Row> = {
  prefix: string
  delimiter: string
  max: number
  /** Rows in order from `position` on. An iterator that is left early is closed. */
  seek(position: string | Buffer): IterableIterator<Row>
  /** The first position. To continue after a common prefix, the caller passes the position behind it. */
  from: string | Buffer
}

export type ScanPage<Row> = {
  rows: Row[]
  commonPrefixes: string[]
  isTruncated: boolean
  /** The last entry in listing order: a row or a common prefix. */
  last: { row: Row } | { commonPrefix: string } | null
}

export function skipScan<Row extends { key: string }>(o: ScanOptions<Row>): ScanPage<Row> {
  const page: ScanPage<Row> = { rows: [], commonPrefixes: [], isTruncated: false, last: null }
  if (o.max === 0) return page
  let position: string | Buffer | null = o.from
  while (position !== null) position = scanFrom(position, o, page)
  return page
}

/**
 * Adds entries up to and including the next common prefix. Returns the position to continue at, or null at the end of
 * the page.
 */
function scanFrom<Row extends { key: string }>(
  position: string | Buffer,
  o: ScanOptions<Row>,
  page: ScanPage<Row>,
): string | Buffer | null {
  for (const row of o.seek(position)) {
    if (page.rows.length + page.commonPrefixes.length === o.max) {
      page.isTruncated = true
      return null
    }
    const commonPrefix = commonPrefixOf(row.key, o.prefix, o.delimiter)
    if (commonPrefix !== null) {
      page.commonPrefixes.push(commonPrefix)
      page.last = { commonPrefix }
      return textAfter(commonPrefix)
    }
    page.rows.push(row)
    page.last = { row }
  }
  return null
}

export function commonPrefixOf(key: string, prefix: string, delimiter: string): string | null {
  if (delimiter === '') return null
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? null : key.slice(0, at + delimiter.length)
}
