/** How the console describes a share link. */
import { formatAgo, formatDuration, plural } from '../format.ts'
import type { Link } from './records.ts'

const secondsLeft = ({ expiresAt }: Link, now: Date): number =>
  expiresAt === null ? Infinity : Math.ceil((Date.parse(expiresAt) - now.getTime()) / 1000)

const isSpent = ({ maxUses, uses }: Link): boolean => maxUses !== null && uses >= maxUses

/** Whether the link still opens the file. */
export const isActive = (link: Link, now: Date): boolean => !isSpent(link) && secondsLeft(link, now) > 0

/** `2 of 3 uses left`, `used 4 times`, `used up (3 of 3 uses)`. */
export function formatUses(link: Link): string {
  const { maxUses, uses } = link
  if (maxUses === null) return uses === 0 ? 'not used yet' : `used ${plural(uses, 'time')}`
  if (isSpent(link)) return `used up (${maxUses} of ${plural(maxUses, 'use')})`
  return `${maxUses - uses} of ${plural(maxUses, 'use')} left`
}

/** `expires in 7 days`, `expired 14:05`, `until it is revoked`. */
export function formatExpiry(link: Link, now: Date): string {
  if (link.expiresAt === null) return 'until it is revoked'
  const seconds = secondsLeft(link, now)
  if (seconds <= 0) return `expired ${formatAgo(link.expiresAt, now)}`
  const unit = seconds < 90 ? 1 : seconds < 7200 ? 60 : 3600
  return `expires in ${formatDuration(Math.round(seconds / unit) * unit)}`
}
