/** Random numbers that depend only on the seed. */
export type SeededRandom = {
  /** A whole number from `from` to `to`, both inclusive. */
  int(from: number, to: number): number
  pick<T>(from: readonly T[]): T
  /** Another generator, independent of how many numbers this one has made. */
  split(name: string): SeededRandom
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1))
  return {
    int,
    pick: (from) => from[int(0, from.length - 1)]!,
    split: (name) =>
      seededRandom([...name].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 0x01000193), seed)),
  }
}
