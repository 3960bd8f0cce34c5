/** Lifecycle rules: which objects they are about, and when. Pure. */
const dayLength = 86_400_000

/** Every field that is given must apply. `tags` are all needed. Sizes in bytes, both exclusive. */
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
  /** How the filter was written, so that it is read back as it was sent. */
  form: 'prefix' | 'filter' | 'and'
  /** Of the current object. `date` is ISO 8601, at midnight UTC. */
  expiration?: { days?: number; date?: string; deleteMarker?: boolean }
  /** Of noncurrent versions, of which the `keep` newest stay. */
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

/** When the rule makes the current object expire, in milliseconds; null: never. */
export function expiryOf({ expiration }: LifecycleRule, modifiedAt: number): number | null {
  if (expiration?.date !== undefined) return Date.parse(expiration.date)
  return expiration?.days === undefined ? null : daysAfter(modifiedAt, expiration.days)
}

/** The rule that makes an object expire first. */
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
