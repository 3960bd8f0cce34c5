/** Shared code of the operations that write an object, once the store has it. */
import type { ObjectRef, WrittenObject } from '../drivers/driver.ts'
import type { AnswerHeaders } from './answer.ts'
import type { OperationDeps } from './context.ts'
import type { XmlContent } from './xml.ts'

/** Only the gateway's own key writes to its bucket. The write may confirm an upload. */
export async function settleWritten(ref: ObjectRef, deps: OperationDeps): Promise<void> {
  if (ref.bucket === deps.gatewayBucket) await deps.onObjectWritten?.(ref)
}

export function checksumHeaders({ checksum }: Pick<WrittenObject, 'checksum'>): AnswerHeaders {
  if (checksum === undefined) return {}
  return {
    [`x-amz-checksum-${checksum.algorithm}`]: checksum.value,
    'x-amz-checksum-type': checksum.type ?? 'FULL_OBJECT',
  }
}

/** `ChecksumSHA256` and similar elements of result documents. */
export function checksumElements({ checksum }: Pick<WrittenObject, 'checksum'>): Record<string, XmlContent> {
  if (checksum === undefined) return {}
  return {
    [`Checksum${checksum.algorithm.toUpperCase()}`]: checksum.value,
    ChecksumType: checksum.type ?? 'FULL_OBJECT',
  }
}
