/**
 * Orders text by its UTF-8 bytes, which is the order of code points and of SQLite's BINARY collation. JavaScript
 * strings have another order: U+1F600 sorts before U+FF5E.
 */

/** Greater than any text, because SQLite sorts every BLOB after every TEXT. */
const afterAllText = Buffer.alloc(0)

/**
 * The smallest upper bound of all texts that start with `prefix`, as a parameter for `key < ?`. Replaces the last code
 * point that has a successor by this successor.
 */
export function textAfter(prefix: string): string | Buffer {
  const points = [...prefix]
  while (points.length > 0) {
    const last = points.pop()!.codePointAt(0)!
    if (last === 0x10ffff) continue
    // Surrogates have no UTF-8 encoding.
    const next = last === 0xd7ff ? 0xe000 : last + 1
    return points.join('') + String.fromCodePoint(next)
  }
  return afterAllText
}

/** The smallest text greater than `text`. */
export const textRightAfter = (text: string): string => `${text}\0`

/** Compares by UTF-8 bytes. */
export const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
