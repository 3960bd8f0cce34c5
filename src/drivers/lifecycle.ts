/** Lifecycle rules: the objects that they apply to, and when. Pure functions. */
const dayLength = 86_400_000

/** All given fields must match. An object must have all `tags`. Sizes are in bytes, both exclusive. */
export type LifecycleFilter = {
  prefix?: string
  tags?: Record<string, string>
  sizeAbove?: number
  sizeBelow?: number
}

export type LifecycleRule = {
  id: string
  isEnabled: boolean
  filter: LifecycleFilter
  /** The form in which the filter was sent, so that it is returned as sent. */
  form: 'prefix' | 'filter' | 'and'
  /** Expiration of the current object. `date` is ISO 8601, at midnight UTC. */
  expiration?: { days?: number; date?: string; deleteMarker?: boolean }
  /** Expiration of noncurrent versions. The `keep` newest ones stay. */
  noncurrent?: { days: number; keep?: number }
  /** Days after which an unfinished multipart upload is aborted. */
  abortUploadsAfter?: number
}

export type Described = { key: string; size: number; tags: Record<string, string> }

export function matchesRule({ filter }: LifecycleRule, { key, size, tags }: Described): boolean {
  const { prefix = '', sizeAbove, sizeBelow } = filter
  return (
    key.startsWith(prefix) &&
    (sizeAbove === undefined || size > sizeAbove) &&
    (sizeBelow === undefined || size < sizeBelow) &&
    Object.entries(filter.tags ?? {}).every(([name, value]) => Object.hasOwn(tags, name) && tags[name] === value)
  )
}

/**
 * The midnight after `days` days, in milliseconds
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html).
 */
export const daysAfter = (since: number, days: number): number =>
  Math.ceil((since + days * dayLength) / dayLength) * dayLength

/** The time at which the rule expires the current object, in milliseconds. null: never. */
export function expiryOf({ expiration }: LifecycleRule, modifiedAt: number): number | null {
  if (expiration?.date !== undefined) return Date.parse(expiration.date)
  return expiration?.days === undefined ? null : daysAfter(modifiedAt, expiration.days)
}

/** The rule that expires an object first. */
export function nextExpiry(
  rules: readonly LifecycleRule[],
  object: Described & { modifiedAt: number },
): { at: number; id: string } | null {
  let first: { at: number; id: string } | null = null
  for (const rule of rules) {
    if (!rule.isEnabled || !matchesRule(rule, object)) continue
    const at = expiryOf(rule, object.modifiedAt)
    if (at !== null && (first === null || at < first.at)) first = { at, id: rule.id }
  }
  return first
}
