import { scheduler } from 'node:timers/promises'
import { isStorageError } from '../../errors.ts'
import type { DeleteResult } from '../../drivers/driver.ts'
import { answerXml } from '../answer.ts'
import { bucketOf, type Operation, type OperationDeps } from '../context.ts'
import { readDocument } from '../document.ts'
import { errorAnswer } from '../error-response.ts'
import { refuseUnsupportedHeaders } from '../object-headers.ts'
import { S3Error } from '../s3-error.ts'
import { assertKey } from '../target.ts'
import { elements, holdsMore, malformed, parseXml, type XmlElement } from '../xml.ts'

type Wanted = { key: string; versionId: string | undefined; ifMatch: string | undefined }
type Outcome = Wanted & { error?: { code: string; message: string } }

const maxKeys = 1000
/** An object with its five fields has twelve tags. CDATA sections and comments count too. */
const maxTags = maxKeys * 20

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  const allow = await deps.access.allowEach(ctx, 's3:DeleteObject', bucket)
  refuseUnsupportedHeaders(ctx.headers)
  // Up to a thousand keys of a kilobyte, in which each byte may be an XML entity.
  const body = await readDocument(ctx, { maxBytes: 8 * 1024 * 1024, digestRequired: true })
  if (holdsMore(body, '<Object', maxKeys) || holdsMore(body, '<', maxTags)) throw malformed()
  const document = parseXml(body, 'Delete')
  const wanted = document.children('Object').map((object): Wanted => {
    const key = object.textOf('Key')
    if (key === undefined || key === '') throw malformed()
    for (const name of ['LastModifiedTime', 'Size']) {
      if (object.child(name)) throw new S3Error('NotImplemented', `${name} as a condition is not implemented.`)
    }
    return { key, versionId: object.textOf('VersionId') || undefined, ifMatch: object.textOf('ETag')?.trim() }
  })
  if (wanted.length === 0 || wanted.length > maxKeys) throw malformed()
  const quiet = document.textOf('Quiet')?.trim().toLowerCase() === 'true'

  const outcomes: Outcome[] = wanted.map((one) => ({ ...one, ...refusalOf(one) }))
  await refuseDenied(outcomes, allow)
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

/** Milliseconds after which other requests get their turn. */
const slice = 10

/** A bucket policy may differ by key. */
async function refuseDenied(outcomes: readonly Outcome[], allow: (key: string) => Promise<void>): Promise<void> {
  let since = performance.now()
  for (const outcome of outcomes) {
    if (outcome.error !== undefined) continue
    if (performance.now() - since > slice) {
      await scheduler.yield()
      since = performance.now()
    }
    try {
      await allow(outcome.key)
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
