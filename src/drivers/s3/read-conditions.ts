/**
 * Preconditions of reads, evaluated here and not by the store: Ceph 16 knows neither lists of ETags nor `*`, and stores
 * differ in which condition they look at first.
 */
import type { ObjectHead, ReadConditions } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { bareEtag } from './object-head.ts'

export const isConditional = (o: ReadConditions): boolean =>
  [o.ifMatch, o.ifNoneMatch, o.ifModifiedSince, o.ifUnmodifiedSince].some((condition) => condition !== undefined)

/** RFC 9110, section 13.2.2. Errors: PreconditionFailed, NotModified. */
export function assertReadConditions(head: ObjectHead, o: ReadConditions, resource: string): void {
  const fail = failedOn(head, o)
  if (!fail) return
  const [code, Condition] = fail
  throw new StorageError(code, { resource, message: `${Condition} did not hold`, details: { Condition } })
}

/** A copy has no 304: whatever fails is PreconditionFailed. */
export function assertSourceConditions(head: ObjectHead, o: ReadConditions, resource: string): void {
  const fail = failedOn(head, o)
  if (!fail) return
  throw new StorageError('PreconditionFailed', {
    resource,
    message: `${fail[1]} did not hold`,
    details: { Condition: fail[1] },
  })
}

type Failure = readonly ['PreconditionFailed' | 'NotModified', condition: string] | null

function failedOn({ etag, lastModified }: ObjectHead, o: ReadConditions): Failure {
  const modified = wholeSeconds(lastModified)
  if (o.ifMatch !== undefined) {
    if (!matches(o.ifMatch, etag, false)) return ['PreconditionFailed', 'If-Match']
  } else if (o.ifUnmodifiedSince && modified > wholeSeconds(o.ifUnmodifiedSince)) {
    return ['PreconditionFailed', 'If-Unmodified-Since']
  }
  if (o.ifNoneMatch !== undefined) {
    if (matches(o.ifNoneMatch, etag, true)) return ['NotModified', 'If-None-Match']
  } else if (o.ifModifiedSince && modified <= wholeSeconds(o.ifModifiedSince)) {
    return ['NotModified', 'If-Modified-Since']
  }
  return null
}

/** A weak tag matches only where a weak comparison is asked for. */
const matches = (list: string, etag: string, weakly: boolean): boolean =>
  list.trim() === '*' ||
  list
    .split(',')
    .map((tag) => tag.trim())
    .some((tag) => (weakly || !tag.startsWith('W/')) && bareEtag(tag) === etag)

/** HTTP dates have no fractions. */
const wholeSeconds = (date: Date): number => Math.floor(date.getTime() / 1000)
