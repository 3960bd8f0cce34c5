/** Finds the candidate for "Did you mean …" with the fewest edits, if it is close enough for a typing mistake. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** The nearest key, or a key of another section with the same last name. */
export function nearestKey(key: string, keys: readonly string[]): string | undefined {
  const lastName = (dotted: string): string => (dotted.split('.').at(-1) ?? '').toLowerCase()
  return nearest(key, keys) ?? keys.find((other) => lastName(other) === lastName(key))
}

/** The Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substitute))
    }
    row = next
  }
  return row[b.length]!
}
