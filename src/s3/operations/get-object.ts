import { isStorageError } from '../../errors.ts'
import type { GetOptions, StoredObject } from '../../drivers/driver.ts'
import { answerEmpty, setHeaders } from '../answer.ts'
import type { Operation, OperationDeps, S3Context } from '../context.ts'
import { exposeMetadata, openToPages } from '../cors-rules.ts'
import { sendfileHeaders } from '../sendfile.ts'
import {
  expirationOf,
  answerNotModified,
  authoriseRead,
  checkServed,
  ifRangeHolds,
  rangeError,
  readAnswer,
  type ReadInput,
} from '../read-object.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export const getObject: Operation = async (ctx, deps) => {
  const input = await authoriseRead(ctx, deps)
  openToPages(ctx)
  let object: StoredObject
  try {
    object = await openObject(input, deps)
  } catch (error) {
    if (await answerNotModified(ctx, deps, input, error)) return
    throw rangeError(ctx, input, error)
  }
  try {
    await checkServed(input, object.head)
  } catch (error) {
    await object.close()
    throw error
  }
  const { status, headers } = readAnswer(ctx, deps, input, object.head, object.range)
  Object.assign(headers, await expirationOf(ctx, input, object.head, deps))
  exposeMetadata(ctx, headers)
  if (object.head.contentLength === 0) {
    await object.close()
    answerEmpty(ctx, status, headers)
    return
  }
  const handedOff = sendfileHeaders(ctx, deps.sendfile ?? 'off', { input, object, headers })
  if (handedOff !== null) {
    await object.close()
    answerEmpty(ctx, 200, handedOff)
    return
  }
  ctx.res.statusCode = status
  setHeaders(ctx, headers)
  await send(ctx, object)
}

async function openObject({ ref, options, range, ifRange }: ReadInput, deps: OperationDeps): Promise<StoredObject> {
  if (range === undefined) return deps.store.getObject(ref, options)
  if (ifRange === undefined) return deps.store.getObject(ref, { ...options, range })
  const head = await deps.store.headObject(ref, options)
  if (!ifRangeHolds(ifRange, head)) return deps.store.getObject(ref, options)
  const bound: GetOptions = { ...options, range, ifMatch: head.etag }
  try {
    return await deps.store.getObject(ref, bound)
  } catch (error) {
    // Replaced between the two reads: the range is one of an object that is gone.
    if (isStorageError(error, 'PreconditionFailed')) return deps.store.getObject(ref, options)
    throw error
  }
}

/** A reader that leaves ends the reading too. */
async function send(ctx: S3Context, object: StoredObject): Promise<void> {
  const left = new AbortController()
  const stop = (): void => left.abort()
  ctx.res.once('close', stop)
  try {
    await object.sendTo(ctx.res, left.signal)
    ctx.res.end()
  } catch (error) {
    await object.close()
    throw error
  } finally {
    ctx.res.off('close', stop)
  }
}
