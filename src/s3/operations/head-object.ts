import type { ObjectHead } from '../../drivers/driver.ts'
import { answerEmpty } from '../answer.ts'
import type { Operation, OperationDeps } from '../context.ts'
import { exposeMetadata, openToPages } from '../cors-rules.ts'
import { resolveRange } from '../range.ts'
import {
  expirationOf,
  answerNotModified,
  authoriseRead,
  checkServed,
  ifRangeHolds,
  readAnswer,
  type ReadInput,
  type Sent,
} from '../read-object.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
export const headObject: Operation = async (ctx, deps) => {
  const input = await authoriseRead(ctx, deps)
  openToPages(ctx)
  try {
    const { head, sent } = await look(input, deps)
    await checkServed(input, head)
    const { status, headers } = readAnswer(ctx, deps, input, head, sent)
    Object.assign(headers, await expirationOf(ctx, input, head, deps))
    exposeMetadata(ctx, headers)
    answerEmpty(ctx, status, headers)
  } catch (error) {
    if (!(await answerNotModified(ctx, deps, input, error))) throw error
  }
}

async function look(input: ReadInput, deps: OperationDeps): Promise<{ head: ObjectHead; sent: Sent }> {
  const { ref, options, range, ifRange } = input
  if (options.partNumber !== undefined) {
    // Only a read reveals the offset of a part.
    const object = await deps.store.getObject(ref, options)
    await object.close()
    return { head: object.head, sent: object.range }
  }
  const head = await deps.store.headObject(ref, options)
  const ranged = range !== undefined && (ifRange === undefined || ifRangeHolds(ifRange, head))
  return { head, sent: ranged ? resolveRange(range, head.contentLength) : undefined }
}
