/** Until when an access key is accepted, as ISO 8601 in files; null: it has no end. */
export type KeyEnd = string | null

export const hasEnded = (validUntil: KeyEnd, now: Date): boolean =>
  validUntil !== null && Date.parse(validUntil) <= now.getTime()

/** When a key ends that shall end `seconds` from now: what ends before is not prolonged. */
export function endAfter(seconds: number, { now, validUntil = null }: { now: Date; validUntil?: KeyEnd }): string {
  const end = new Date(now.getTime() + seconds * 1000).toISOString()
  return validUntil !== null && Date.parse(validUntil) < Date.parse(end) ? validUntil : end
}
