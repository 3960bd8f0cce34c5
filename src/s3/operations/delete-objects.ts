import { isStorageError } from '../../errors.ts'
import { timeSlices } from '../../time-slices.ts'
import type { DeletedObject, DeleteResult } from '../../drivers/driver.ts'
import { answerXml } from '../answer.ts'
import { bucketOf, type Operation, type OperationDeps, type S3Context, type AllowedDeletes } from '../context.ts'
import { readDocument } from '../document.ts'
import { errorAnswer } from '../error-response.ts'
import { refuseUnsupportedHeaders } from '../object-headers.ts'
import { readBypass } from '../object-lock.ts'
import { S3Error } from '../s3-error.ts'
import { assertKey } from '../target.ts'
import { elements, holdsMore, malformed, parseXml, type XmlElement } from '../xml.ts'

type Wanted = { key: string; versionId: string | undefined; ifMatch: string | undefined }
type Outcome = Wanted & { error?: { code: string; message: string }; deleted?: DeletedObject }

const maxKeys = 1000
/** An object with its five fields has twelve tags. CDATA sections and comments count too. */
const maxTags = maxKeys * 20

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  const { bucket: info, allow } = await deps.access.allowDeletes(ctx, bucket)
  const makesVersions = info?.configuration.versioning !== undefined
  refuseUnsupportedHeaders(ctx.headers)
  // Up to a thousand keys of a kilobyte, in which each byte may be an XML entity.
  const body = await readDocument(ctx, { maxBytes: 8 * 1024 * 1024, digestRequired: true })
  if (holdsMore(body, '<Object', maxKeys) || holdsMore(body, '<', maxTags)) throw malformed()
  const document = parseXml(body, 'Delete').allow({ once: ['Quiet'], many: ['Object'] })
  const wanted = document.children('Object').map((object): Wanted => {
    object.allow({ once: ['Key', 'VersionId', 'ETag', 'LastModifiedTime', 'Size'] })
    const key = object.textOf('Key')
    if (key === undefined || key === '') throw malformed()
    for (const name of ['LastModifiedTime', 'Size']) {
      if (object.child(name)) throw new S3Error('NotImplemented', `${name} as a condition is not implemented.`)
    }
    return { key, versionId: object.textOf('VersionId') || undefined, ifMatch: object.textOf('ETag')?.trim() }
  })
  if (wanted.length === 0 || wanted.length > maxKeys) throw malformed()
  const quiet = document.textOf('Quiet')?.trim().toLowerCase() === 'true'

  const outcomes: Outcome[] = wanted.map((one) => ({ ...one, ...refusalOf(one, makesVersions) }))
  const isSingle = ({ versionId, ifMatch }: Wanted): boolean =>
    makesVersions || versionId !== undefined || ifMatch !== undefined
  await refuseDenied(outcomes, allow)
  await deleteSingly(ctx, bucket, outcomes.filter(isSingle), deps)
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

/** The delete marker that was created or deleted. */
const markerElements = ({ deleted }: Outcome): XmlElement[] =>
  deleted?.deleteMarker === true ? elements({ DeleteMarker: true, DeleteMarkerVersionId: deleted.versionId }) : []

/** Checks each key, because a bucket policy can distinguish keys. */
async function refuseDenied(outcomes: readonly Outcome[], allow: AllowedDeletes['allow']): Promise<void> {
  const pause = timeSlices()
  for (const outcome of outcomes) {
    if (outcome.error !== undefined) continue
    await pause()
    try {
      await allow(outcome.key, outcome.versionId)
    } catch (refused) {
      if (!isStorageError(refused, 'AccessDenied')) throw refused
      outcome.error = said(refused)
    }
  }
}

/** Deletes each key by itself. The store commits deletions that arrive together in one transaction, in this order. */
async function deleteSingly(ctx: S3Context, bucket: string, outcomes: Outcome[], deps: OperationDeps): Promise<void> {
  const bypasses = await readBypasses(ctx, bucket, outcomes, deps)
  const deleting = outcomes.map(async (outcome, i) => {
    const { key, versionId, ifMatch, error } = outcome
    if (error !== undefined) return
    const options = { ...(versionId !== undefined && { versionId }), ...(ifMatch !== undefined && { ifMatch }) }
    try {
      outcome.deleted = await deps.store.deleteObject({ bucket, key }, { ...options, ...bypasses[i] })
    } catch (refused) {
      outcome.error = said(refused)
    }
  })
  await Promise.all(deleting)
}

/** Checks the right to bypass retention for each version. A refusal becomes the outcome. */
async function readBypasses(
  ctx: S3Context,
  bucket: string,
  outcomes: Outcome[],
  deps: OperationDeps,
): Promise<{ bypassGovernance?: boolean }[]> {
  const pause = timeSlices()
  const bypasses = []
  for (const outcome of outcomes) {
    const { key, versionId, error } = outcome
    await pause()
    try {
      const isChecked = error === undefined && versionId !== undefined
      bypasses.push(isChecked ? await readBypass(ctx, { bucket, key, versionId }, deps) : {})
    } catch (refused) {
      outcome.error = said(refused)
      bypasses.push({})
    }
  }
  return bypasses
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
