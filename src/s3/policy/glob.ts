/** Patterns of policies: `*` is any run of characters, `?` any one. */
export type Glob = (text: string) => boolean

/**
 * Compiles a pattern. The segments between its stars are searched one after the other, each from where the one before it
 * ends. In the worst case this costs in the order of (text length × longest segment / 32) steps.
 */
export function glob(pattern: string): Glob {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return (text) => text.length === first.length && fitsAt(first, text, 0)
  const inner = rest.filter((segment) => segment !== '').map(segmentOf)
  const shortest = first.length + last.length + inner.reduce((sum, { text }) => sum + text.length, 0)
  return (text) => {
    const end = text.length - last.length
    if (text.length < shortest || !fitsAt(first, text, 0) || !fitsAt(last, text, end)) return false
    let from = first.length
    for (const segment of inner) {
      const at = find(segment, text, from)
      if (at < 0) return false
      from = at + segment.text.length
    }
    return from <= end
  }
}

export const matchesGlob = (pattern: string, text: string): boolean => glob(pattern)(text)

/** The code of `?`. */
const anyOne = 63

function fitsAt(segment: string, text: string, at: number): boolean {
  for (let i = 0; i < segment.length; i++) {
    const code = segment.charCodeAt(i)
    if (code !== anyOne && code !== text.charCodeAt(at + i)) return false
  }
  return true
}

/** `run`: a part of `text` without `?`, which starts at `offset`. */
type Segment = { text: string; run: string; offset: number }

/** The longest run that is searched with `indexOf`, whose worst case is the product of both lengths. */
const longestRun = 32

function segmentOf(text: string): Segment {
  let run = ''
  let offset = 0
  for (const { 0: found, index } of text.matchAll(/[^?]+/g)) {
    if (found.length > run.length) [run, offset] = [found, index]
  }
  return { text, run: run.slice(0, longestRun), offset }
}

/** The first position at or after `from` where a segment matches, or -1. */
function find({ text: segment, run, offset }: Segment, text: string, from: number): number {
  let budget = 2 * text.length
  for (let at = from; at <= text.length - segment.length; at++) {
    at = text.indexOf(run, at + offset) - offset
    if (at < from || at > text.length - segment.length) return -1
    if (run === segment || fitsAt(segment, text, at)) return at
    budget -= segment.length
    if (budget < 0) return findInParallel(segment, text, at + 1)
  }
  return -1
}

/** Shift-And (Baeza-Yates and Gonnet, 1992): bit `i` is set if the text so far ends with the first `i + 1` characters. */
function findInParallel(segment: string, text: string, from: number): number {
  const words = Math.ceil(segment.length / 32)
  const any = new Uint32Array(words)
  const fitting = new Map<number, Uint32Array>()
  for (let i = 0; i < segment.length; i++) {
    if (segment.charCodeAt(i) === anyOne) any[i >>> 5]! |= 1 << (i & 31)
  }
  for (let i = 0; i < segment.length; i++) {
    const code = segment.charCodeAt(i)
    if (code === anyOne) continue
    const bits = fitting.get(code) ?? any.slice()
    bits[i >>> 5]! |= 1 << (i & 31)
    fitting.set(code, bits)
  }
  const seen = new Uint32Array(words)
  const whole = 1 << ((segment.length - 1) & 31)
  for (let at = from; at < text.length; at++) {
    const bits = fitting.get(text.charCodeAt(at)) ?? any
    let carry = 1
    for (let word = 0; word < words; word++) {
      const before = seen[word]!
      seen[word] = ((before << 1) | carry) & bits[word]!
      carry = before >>> 31
    }
    if ((seen[words - 1]! & whole) !== 0) return at - segment.length + 1
  }
  return -1
}
