/** Quota decisions for one owner. The caller must hold the lock of the owner's usage. */
import { StorageError } from '../errors.ts'
import type { NewUpload, QuotaLimits, Usage } from './catalog.ts'

/** The bytes to reserve for a new upload. Errors: TooManyRequests, QuotaExceeded. */
export function decideReservation(o: Pick<NewUpload, 'reserve' | 'quota' | 'maxPending'>, usage: Usage): number {
  if (usage.reservedFiles >= o.maxPending) {
    throw new StorageError('TooManyRequests', {
      message: `${usage.reservedFiles} uploads are already pending (limits.pendingUploads allows ${o.maxPending}). Confirm or abort some, or wait until they expire`,
      details: { pending: usage.reservedFiles, maxPending: o.maxPending },
    })
  }
  const { userBytes, userFiles } = o.quota
  if (userFiles !== null && usage.files + usage.reservedFiles >= userFiles) {
    throw new StorageError('QuotaExceeded', {
      message: `the quota of ${userFiles} files is used up. Delete some first`,
      details: { userFiles, files: usage.files, reservedFiles: usage.reservedFiles },
    })
  }
  if (userBytes === null) return o.reserve.bytes
  const left = userBytes - usage.bytes - usage.reservedBytes
  const wanted = o.reserve.exact ? o.reserve.bytes : Math.min(o.reserve.bytes, left)
  if (wanted > left || (!o.reserve.exact && left <= 0)) throw outOfBytes(userBytes, usage, left)
  return wanted
}

/**
 * `after` is the usage after a confirm. Reserved bytes are accepted even if the quota has shrunk since. Only bytes
 * beyond the reservation must fit. Errors: QuotaExceeded.
 */
export function checkGrowth(size: number, reserved: number, quota: QuotaLimits, after: Usage): void {
  if (quota.userBytes === null || size <= reserved) return
  const left = quota.userBytes - after.bytes - after.reservedBytes
  if (left < 0) throw outOfBytes(quota.userBytes, after, left + size - reserved)
}

const outOfBytes = (userBytes: number, usage: Usage, left: number) =>
  new StorageError('QuotaExceeded', {
    message: `the quota of ${userBytes} bytes has ${Math.max(0, left)} left. Delete files, or abort pending uploads`,
    details: { userBytes, bytes: usage.bytes, reservedBytes: usage.reservedBytes },
  })
