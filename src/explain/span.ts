/** `12 s`, `5 min`, `3 h 20 min`, `2 d`: the two largest units, rounded. */
export function spanInWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const
  const at = units.findIndex(([size]) => whole >= size)
  const [large, small] = [units[at]!, units[at + 1]!]
  const rest = Math.floor((whole % large[0]) / small[0])
  const first = `${Math.floor(whole / large[0])} ${large[1]}`
  return rest === 0 ? first : `${first} ${rest} ${small[1]}`
}
