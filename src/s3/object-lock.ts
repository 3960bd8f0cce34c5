/** Object locks in headers. */
import { StorageError } from '../errors.ts'
import type { ObjectHead, ObjectLock, ObjectRef, Retention, RetentionMode } from '../drivers/driver.ts'
import type { AnswerHeaders } from './answer.ts'
import type { OperationDeps, S3Context, Requester } from './context.ts'
import { isoTime } from './iso-time.ts'
import { S3Error } from './s3-error.ts'

const invalid = (message: string): StorageError => new StorageError('InvalidArgument', { message })

export function retentionMode(text: string | undefined): RetentionMode | undefined {
  const mode = text?.trim()
  return mode === 'GOVERNANCE' || mode === 'COMPLIANCE' ? mode : undefined
}

/** `time` in milliseconds. Errors: InvalidArgument unless it is after `now`. */
export function futureDate(time: number, now: Date): string {
  if (time > now.getTime()) return new Date(time).toISOString()
  throw invalid('The retain until date must be in the future!')
}

/** The lock that a write asks for. Errors: AccessDenied, InvalidArgument. */
export async function readLock(
  who: Requester,
  ref: ObjectRef,
  deps: Pick<OperationDeps, 'access' | 'now'>,
): Promise<{ lock?: ObjectLock }> {
  const retention = readRetention(who.headers, deps.now())
  const hold = who.headers.get('x-amz-object-lock-legal-hold')
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF') {
    throw invalid('Legal Hold must be either of ON or OFF')
  }
  if (retention === undefined && hold === undefined) return {}
  const on = { ...ref, isNew: true }
  if (retention) await deps.access.allow(who, 's3:PutObjectRetention', on)
  if (hold !== undefined) await deps.access.allow(who, 's3:PutObjectLegalHold', on)
  return { lock: { ...(retention && { retention }), ...(hold !== undefined && { legalHold: hold === 'ON' }) } }
}

/** For the bucket of the gateway, whose objects are sealed by the gateway. */
export function refuseLock(headers: S3Context['headers']): void {
  for (const name of headers.keys()) {
    if (!name.startsWith('x-amz-object-lock-')) continue
    throw new S3Error('NotImplemented', `Object lock (${name}) is not implemented in the bucket of the gateway.`)
  }
}

function readRetention(headers: S3Context['headers'], now: Date): Retention | undefined {
  const mode = headers.get('x-amz-object-lock-mode')
  const until = headers.get('x-amz-object-lock-retain-until-date')
  if (mode === undefined && until === undefined) return undefined
  if (mode === undefined || until === undefined) {
    throw invalid('x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied')
  }
  const known = retentionMode(mode)
  if (known === undefined) throw invalid('Unknown wormMode directive.')
  const time = isoTime(until.trim())
  if (time === undefined) throw invalid('The retain until date must be provided in ISO 8601 format')
  return { mode: known, until: futureDate(time, now) }
}

/** Whether this request bypasses governance mode. Errors: AccessDenied if the requester is not allowed to. */
export async function readBypass(
  ctx: S3Context,
  ref: { bucket: string; key?: string; versionId?: string },
  deps: Pick<OperationDeps, 'access'>,
): Promise<{ bypassGovernance?: boolean }> {
  if (ctx.headers.get('x-amz-bypass-governance-retention')?.toLowerCase() !== 'true') return {}
  await deps.access.allow(ctx, 's3:BypassGovernanceRetention', ref)
  return { bypassGovernance: true }
}

export const lockHeaders = ({ lock }: Pick<ObjectHead, 'lock'>): AnswerHeaders => ({
  'x-amz-object-lock-mode': lock?.retention?.mode,
  'x-amz-object-lock-retain-until-date': lock?.retention?.until,
  'x-amz-object-lock-legal-hold': lock?.legalHold === undefined ? undefined : lock.legalHold ? 'ON' : 'OFF',
})
