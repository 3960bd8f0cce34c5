import { isStorageError } from '../../errors.ts'
import type { DeleteResult } from '../../drivers/driver.ts'
import { answerXml } from '../answer.ts'
import { bucketOf, type Operation, type OperationDeps, type S3Context } from '../context.ts'
import { readDocument } from '../document.ts'
import { errorAnswer } from '../error-response.ts'
import { refuseUnsupportedHeaders } from '../object-headers.ts'
import { S3Error } from '../s3-error.ts'
import { assertKey } from '../target.ts'
import { elements, malformed, parseXml, type XmlElement } from '../xml.ts'

type Wanted = { key: string; versionId: string | undefined; ifMatch: string | undefined }
type Outcome = Wanted & { error?: { code: string; message: string } }

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  const isPerKey = await isAllowedPerKey(ctx, bucket, deps)
  refuseUnsupportedHeaders(ctx.headers)
  // Up to a thousand keys of a kilobyte, in which each byte may be an XML entity.
  const body = await readDocument(ctx, { maxBytes: 8 * 1024 * 1024, digestRequired: true })
  const document = parseXml(body, 'Delete')
  const wanted = document.children('Object').map((object): Wanted => {
    const key = object.textOf('Key')
    if (key === undefined || key === '') throw malformed()
    for (const name of ['LastModifiedTime', 'Size']) {
      if (object.child(name)) throw new S3Error('NotImplemented', `${name} as a condition is not implemented.`)
    }
    return { key, versionId: object.textOf('VersionId') || undefined, ifMatch: object.textOf('ETag')?.trim() }
  })
  if (wanted.length === 0 || wanted.length > 1000) throw malformed()
  const quiet = document.textOf('Quiet')?.trim().toLowerCase() === 'true'

  const outcomes: Outcome[] = wanted.map((one) => ({ ...one, ...refusalOf(one) }))
  if (isPerKey) await refuseDenied(ctx, bucket, outcomes, deps)
  await deleteConditionally(bucket, outcomes, deps)
  const free = outcomes.filter(({ error, ifMatch }) => error === undefined && ifMatch === undefined)
  const keys = free.map(({ key }) => key)
  const failed = new Map<string, DeleteResult['error']>()
  if (keys.length > 0) {
    for (const { key, error } of await deps.store.deleteObjects(bucket, [...new Set(keys)])) failed.set(key, error)
  }
  answerXml(
    ctx,
    'DeleteResult',
    outcomes.flatMap((outcome): XmlElement[] => {
      const error = outcome.error ?? storeError(failed.get(outcome.key))
      const named = elements({ Key: outcome.key, VersionId: outcome.versionId })
      if (error !== undefined) return [['Error', [...named, ['Code', error.code], ['Message', error.message]]]]
      return quiet ? [] : [['Deleted', named]]
    }),
  )
}

/** Whether each key must be checked by itself, because a bucket policy may differ by key. Without one, all keys are alike. */
async function isAllowedPerKey(ctx: S3Context, bucket: string, deps: OperationDeps): Promise<boolean> {
  const isGateway = bucket === deps.gatewayBucket
  if (!isGateway && (await deps.store.headBucket(bucket)).configuration.policy !== undefined) return true
  await deps.access.allow(ctx, 's3:DeleteObject', { bucket })
  return false
}

async function refuseDenied(ctx: S3Context, bucket: string, outcomes: Outcome[], deps: OperationDeps): Promise<void> {
  for (const outcome of outcomes) {
    if (outcome.error !== undefined) continue
    try {
      await deps.access.allow(ctx, 's3:DeleteObject', { bucket, key: outcome.key })
    } catch (refused) {
      if (!isStorageError(refused, 'AccessDenied')) throw refused
      outcome.error = said(refused)
    }
  }
}

/** One by one, because a condition applies to a single key. */
async function deleteConditionally(bucket: string, outcomes: Outcome[], deps: OperationDeps): Promise<void> {
  for (const outcome of outcomes) {
    const { key, ifMatch, error } = outcome
    if (ifMatch === undefined || error !== undefined) continue
    try {
      await deps.store.deleteObject({ bucket, key }, { ifMatch })
    } catch (refused) {
      outcome.error = said(refused)
    }
  }
}

const said = (error: unknown): NonNullable<Outcome['error']> => {
  const { code, message } = errorAnswer(error)
  return { code, message }
}

const storeError = (error: DeleteResult['error']): Outcome['error'] =>
  error && { code: error.code === 'Internal' ? 'InternalError' : error.code, message: error.message }

/** An invalid key does not keep the others from being deleted. */
function refusalOf({ key, versionId }: Wanted): Pick<Outcome, 'error'> {
  if (versionId !== undefined && versionId !== 'null') {
    return { error: { code: 'NoSuchVersion', message: 'The specified version does not exist.' } }
  }
  try {
    assertKey(key)
    return {}
  } catch (error) {
    return { error: said(error) }
  }
}
