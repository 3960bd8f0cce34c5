/**
 * Object locks and the versions that they protect
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html). Pure functions.
 */
import { StorageError } from '../../../errors.ts'
import type { BucketConfiguration, LockChange, ObjectLock } from '../../driver.ts'

const day = 86_400_000

/** Parses the JSON of an ObjectLock in a row. `until` is ISO 8601. */
export const parseLock = (lock: string | null): ObjectLock => (lock === null ? {} : (JSON.parse(lock) as ObjectLock))

export const lockText = (lock: ObjectLock): string | null =>
  Object.keys(lock).length === 0 ? null : JSON.stringify(lock)

const inForce = ({ retention }: ObjectLock, at: number): boolean =>
  retention !== undefined && Date.parse(retention.until) > at

/** Whether a version must not be removed at `at`, in milliseconds. Nothing bypasses compliance or a legal hold. */
export function isProtected(lock: string | null, at: number, o: { bypassGovernance?: boolean } = {}): boolean {
  if (lock === null) return false
  const parsed = parseLock(lock)
  if (parsed.legalHold === true) return true
  return inForce(parsed, at) && !(parsed.retention!.mode === 'GOVERNANCE' && o.bypassGovernance === true)
}

export function assertRemovable(lock: string | null, at: number, o: { bypassGovernance?: boolean }): void {
  if (isProtected(lock, at, o)) throw protectedByLock()
}

const protectedByLock = (): StorageError =>
  new StorageError('AccessDenied', { message: 'Access Denied because object protected by object lock.' })

/**
 * The lock after a change. A retention in force can be extended. Other changes need the bypass, which compliance mode
 * never allows. Errors: AccessDenied.
 */
export function changedLock(lock: string | null, change: LockChange, at: number): string | null {
  const before = parseLock(lock)
  const { retention, legalHold } = change
  if (retention !== undefined && inForce(before, at)) assertRetention(before.retention!, change)
  const { retention: _retention, legalHold: _legalHold, ...rest } = before
  const kept = retention === undefined ? before.retention : (retention ?? undefined)
  const held = legalHold ?? before.legalHold
  return lockText({
    ...rest,
    ...(kept && { retention: kept }),
    ...(held !== undefined && { legalHold: held }),
  })
}

function assertRetention(
  before: NonNullable<ObjectLock['retention']>,
  { retention, bypassGovernance }: LockChange,
): void {
  const isExtended =
    retention != null && retention.mode === before.mode && Date.parse(retention.until) >= Date.parse(before.until)
  if (isExtended || (before.mode === 'GOVERNANCE' && bypassGovernance === true)) return
  throw protectedByLock()
}

/** The lock of a new version: the requested one, or the bucket's default. Errors: InvalidRequest. */
export function lockOfNew(
  asked: string | null,
  configuration: BucketConfiguration['objectLock'] | null,
  at: number,
): string | null {
  if (configuration == null) {
    if (asked === null) return null
    throw noLockConfiguration()
  }
  const { defaultRetention } = configuration
  const lock = parseLock(asked)
  if (lock.retention || defaultRetention === undefined) return asked
  const { mode, days, years = 0 } = defaultRetention
  const until = new Date(at + (days ?? 0) * day)
  until.setUTCFullYear(until.getUTCFullYear() + years)
  return lockText({ ...lock, retention: { mode, until: until.toISOString() } })
}

export const noLockConfiguration = (): StorageError =>
  new StorageError('InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' })
