import type { ObjectHead, ObjectRef, OfVersion, Retention } from '../../drivers/driver.ts'
import { StorageError } from '../../errors.ts'
import { answerEmpty, answerXml } from '../answer.ts'
import { objectOf, versionOf, type Operation, type OperationDeps } from '../context.ts'
import { readDocument } from '../document.ts'
import { isoTime } from '../iso-time.ts'
import { futureDate, readBypass, retentionMode } from '../object-lock.ts'
import { S3Error } from '../s3-error.ts'
import { elements, malformed, parseXml } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html */
export const getObjectRetention: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const asked = versionOf(ctx)
  await deps.access.allow(ctx, 's3:GetObjectRetention', { ...ref, ...asked })
  const { lock } = await lookAt(ref, asked, deps)
  if (!lock?.retention) throw notLocked()
  answerXml(ctx, 'Retention', elements({ Mode: lock.retention.mode, RetainUntilDate: lock.retention.until }))
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html */
export const putObjectRetention: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const asked = versionOf(ctx)
  await deps.access.allow(ctx, 's3:PutObjectRetention', { ...ref, ...asked })
  const bypass = await readBypass(ctx, { ...ref, ...asked }, deps)
  const retention = readRetention(await readDocument(ctx, { digestRequired: true }), deps.now())
  await deps.store.setObjectLock(ref, { retention, ...bypass }, asked)
  answerEmpty(ctx, 200)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html */
export const getObjectLegalHold: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const asked = versionOf(ctx)
  await deps.access.allow(ctx, 's3:GetObjectLegalHold', { ...ref, ...asked })
  const { lock } = await lookAt(ref, asked, deps)
  if (lock?.legalHold === undefined) throw notLocked()
  answerXml(ctx, 'LegalHold', [['Status', lock.legalHold ? 'ON' : 'OFF']])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html */
export const putObjectLegalHold: Operation = async (ctx, deps) => {
  const ref = objectOf(ctx)
  const asked = versionOf(ctx)
  await deps.access.allow(ctx, 's3:PutObjectLegalHold', { ...ref, ...asked })
  const status = parseXml(await readDocument(ctx, { digestRequired: true }), 'LegalHold')
    .allow({ once: ['Status'] })
    .textOf('Status')
    ?.trim()
  if (status !== 'ON' && status !== 'OFF') throw malformed()
  await deps.store.setObjectLock(ref, { legalHold: status === 'ON' }, asked)
  answerEmpty(ctx, 200)
}

/** Empty removes it. */
function readRetention(body: Buffer, now: Date): Retention | null {
  const document = parseXml(body, 'Retention').allow({
    once: ['Mode', 'RetainUntilDate', 'EventHold', 'EventHoldDuration'],
  })
  for (const name of ['EventHold', 'EventHoldDuration']) {
    if (document.child(name)) throw new S3Error('NotImplemented', `${name} is not implemented.`)
  }
  const mode = document.textOf('Mode')
  const until = document.textOf('RetainUntilDate')
  if (mode === undefined && until === undefined) return null
  const known = retentionMode(mode)
  const time = until === undefined ? undefined : isoTime(until.trim())
  if (known === undefined || time === undefined) throw malformed()
  return { mode: known, until: futureDate(time, now) }
}

async function lookAt(ref: ObjectRef, asked: OfVersion, deps: OperationDeps): Promise<ObjectHead> {
  const { configuration } = await deps.store.headBucket(ref.bucket)
  if (configuration.objectLock === undefined) {
    throw new StorageError('InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' })
  }
  return deps.store.headObject(ref, asked)
}

const notLocked = (): S3Error =>
  new S3Error('NoSuchObjectLockConfiguration', 'The specified object does not have a ObjectLock configuration')
