/**
 * Text in the order of its UTF-8 bytes, which is the order of code points and that of SQLite's BINARY collation. It is
 * not the order of JavaScript strings, where U+1F600 sorts before U+FF5E.
 */

/** Greater than any text: SQLite sorts every BLOB after every TEXT. */
const afterAllText = Buffer.alloc(0)

/**
 * The least bound above every text that begins with `prefix`, to be bound as a parameter: `key < ?`. The last code
 * point that has a successor is replaced by it.
 */
export function textAfter(prefix: string): string | Buffer {
  const points = [...prefix]
  while (points.length > 0) {
    const last = points.pop()!.codePointAt(0)!
    if (last === 0x10ffff) continue
    // Surrogates have no UTF-8 form.
    const next = last === 0xd7ff ? 0xe000 : last + 1
    return points.join('') + String.fromCodePoint(next)
  }
  return afterAllText
}

/** The least text greater than `text`. */
export const textRightAfter = (text: string): string => `${text}\0`

/** Compares by UTF-8 bytes. */
export const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
