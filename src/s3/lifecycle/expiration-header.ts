/** `x-amz-expiration` of an object that a lifecycle rule will expire. */
import { isStorageError } from '../../errors.ts'
import { nextExpiry, type BucketInfo, type LifecycleRule, type ObjectRef } from '../../drivers/driver.ts'
import type { AnswerHeaders } from '../answer.ts'
import type { OperationDeps } from '../context.ts'

/** A rule may have two billion days. The year of an HTTP date has four digits. */
const lastDate = Date.UTC(9999, 11, 31)

/** `tags` where they are known. A completion that is repeated after the object was deleted has no size. */
export type Expiring = {
  contentLength?: number
  lastModified: Date
  tags?: Record<string, string>
}

/** `bucket` is null for the gateway's own, which has no rules. */
export async function expirationHeader(
  ref: ObjectRef,
  object: Expiring,
  bucket: BucketInfo | null,
  deps: Pick<OperationDeps, 'store'>,
): Promise<AnswerHeaders> {
  const rules = bucket?.configuration.lifecycle
  if (rules === undefined) return {}
  const { contentLength: size = 0, lastModified } = object
  const tags = object.tags ?? (await tagsOf(ref, rules, deps))
  const next = nextExpiry(rules, { key: ref.key, size, tags, modifiedAt: lastModified.getTime() })
  if (next === null) return {}
  const date = new Date(Math.min(next.at, lastDate)).toUTCString()
  return { 'x-amz-expiration': `expiry-date="${date}", rule-id="${encodeURIComponent(next.id)}"` }
}

/** Only where a rule asks for tags. An object that is gone by now has none. */
async function tagsOf(
  ref: ObjectRef,
  rules: readonly LifecycleRule[],
  { store }: Pick<OperationDeps, 'store'>,
): Promise<Record<string, string>> {
  if (rules.every(({ filter }) => filter.tags === undefined)) return {}
  try {
    return await store.getObjectTags(ref)
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return {}
    throw error
  }
}
