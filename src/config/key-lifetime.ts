/** When an access key expires (ISO 8601). Null if it does not. */
export type KeyEnd = string | null

export const hasEnded = (validUntil: KeyEnd, now: Date): boolean =>
  validUntil !== null && Date.parse(validUntil) <= now.getTime()

/** The expiry of a key that should expire in `seconds`. An earlier `validUntil` is kept. */
export function endAfter(seconds: number, { now, validUntil = null }: { now: Date; validUntil?: KeyEnd }): string {
  const end = new Date(now.getTime() + seconds * 1000).toISOString()
  return validUntil !== null && Date.parse(validUntil) < Date.parse(end) ? validUntil : end
}
