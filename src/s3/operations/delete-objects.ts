import { isStorageError } from '../../errors.ts'
import type { DeletedObject, DeleteResult } from '../../drivers/driver.ts'
import { actionOn } from '../actions.ts'
import { answerXml } from '../answer.ts'
import { bucketOf, type Operation, type OperationDeps, type S3Context } from '../context.ts'
import { readDocument } from '../document.ts'
import { errorAnswer } from '../error-response.ts'
import { refuseUnsupportedHeaders } from '../object-headers.ts'
import { S3Error } from '../s3-error.ts'
import { assertKey } from '../target.ts'
import { elements, malformed, parseXml, type XmlElement } from '../xml.ts'

type Wanted = { key: string; versionId: string | undefined; ifMatch: string | undefined }
type Outcome = Wanted & { error?: { code: string; message: string }; deleted?: DeletedObject }

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  const { isPerKey, makesVersions } = await lookAt(ctx, bucket, deps)
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

  const outcomes: Outcome[] = wanted.map((one) => ({ ...one, ...refusalOf(one, makesVersions) }))
  const isSingle = ({ versionId, ifMatch }: Wanted): boolean =>
    makesVersions || versionId !== undefined || ifMatch !== undefined
  await refuseDenied(
    ctx,
    bucket,
    outcomes.filter((one) => isPerKey || one.versionId !== undefined),
    deps,
  )
  await deleteSingly(bucket, outcomes.filter(isSingle), deps)
  const keys = outcomes.filter((one) => one.error === undefined && !isSingle(one)).map(({ key }) => key)
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
      return quiet ? [] : [['Deleted', [...named, ...markerElements(outcome)]]]
    }),
  )
}

/**
 * `isPerKey`: each key must be checked by itself, because a bucket policy may differ by key. Without one, all keys are
 * alike.
 */
async function lookAt(
  ctx: S3Context,
  bucket: string,
  deps: OperationDeps,
): Promise<{ isPerKey: boolean; makesVersions: boolean }> {
  const isGateway = bucket === deps.gatewayBucket
  const configuration = isGateway ? {} : (await deps.store.headBucket(bucket)).configuration
  const makesVersions = configuration.versioning !== undefined
  if (configuration.policy !== undefined) return { isPerKey: true, makesVersions }
  await deps.access.allow(ctx, 's3:DeleteObject', { bucket })
  return { isPerKey: false, makesVersions }
}

/** The marker that was made, or the one that was removed. */
const markerElements = ({ deleted }: Outcome): XmlElement[] =>
  deleted?.deleteMarker === true ? elements({ DeleteMarker: true, DeleteMarkerVersionId: deleted.versionId }) : []

async function refuseDenied(ctx: S3Context, bucket: string, outcomes: Outcome[], deps: OperationDeps): Promise<void> {
  for (const outcome of outcomes) {
    if (outcome.error !== undefined) continue
    try {
      const { key, versionId } = outcome
      const on = { bucket, key, ...(versionId !== undefined && { versionId }) }
      await deps.access.allow(ctx, actionOn('s3:DeleteObject', versionId), on)
    } catch (refused) {
      if (!isStorageError(refused, 'AccessDenied')) throw refused
      outcome.error = said(refused)
    }
  }
}

/** Each with its own outcome. The store commits those that arrive together in one transaction, in this order. */
async function deleteSingly(bucket: string, outcomes: Outcome[], deps: OperationDeps): Promise<void> {
  const deleting = outcomes.map(async (outcome) => {
    const { key, versionId, ifMatch, error } = outcome
    if (error !== undefined) return
    const options = { ...(versionId !== undefined && { versionId }), ...(ifMatch !== undefined && { ifMatch }) }
    try {
      outcome.deleted = await deps.store.deleteObject({ bucket, key }, options)
    } catch (refused) {
      outcome.error = said(refused)
    }
  })
  await Promise.all(deleting)
}

const said = (error: unknown): NonNullable<Outcome['error']> => {
  const { code, message } = errorAnswer(error)
  return { code, message }
}

const storeError = (error: DeleteResult['error']): Outcome['error'] =>
  error && { code: error.code === 'Internal' ? 'InternalError' : error.code, message: error.message }

/** An invalid key does not keep the others from being deleted. */
function refusalOf({ key, versionId = 'null' }: Wanted, makesVersions: boolean): Pick<Outcome, 'error'> {
  if (versionId !== 'null' && !(makesVersions && /^[\w.-]{32}$/.test(versionId))) {
    return { error: { code: 'NoSuchVersion', message: 'The specified version does not exist.' } }
  }
  try {
    assertKey(key)
    return {}
  } catch (error) {
    return { error: said(error) }
  }
}
