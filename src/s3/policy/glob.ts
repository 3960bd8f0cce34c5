/** Whether a text fits a pattern: `*` is any run of characters, `?` any one. Never worse than the product of their lengths. */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0
  let from = 0
  let star = -1
  let tried = 0
  while (from < text.length) {
    const wanted = pattern[at]
    if (wanted === '*') {
      star = at++
      tried = from
    } else if (wanted === '?' || (wanted !== undefined && wanted === text[from])) {
      at++
      from++
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1
      from = ++tried
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
