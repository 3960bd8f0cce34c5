/**
 * Evaluates conditions on reads in the order of RFC 9110 section 13.2.2, also for stores that support only some of
 * them.
 */
import { StorageError, type StorageErrorCode } from '../errors.ts'
import type { ReadConditions } from './driver.ts'

export const isConditional = (o: ReadConditions): boolean =>
  [o.ifMatch, o.ifNoneMatch, o.ifModifiedSince, o.ifUnmodifiedSince].some((condition) => condition !== undefined)

export type Validators = { etag: string; lastModified: Date }

/** Errors: PreconditionFailed, NotModified. */
export function checkReadConditions(now: Validators, o: ReadConditions): void {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = o
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, now.etag, 'strong')) fail('PreconditionFailed', 'If-Match')
  } else if (ifUnmodifiedSince && seconds(now.lastModified) > seconds(ifUnmodifiedSince)) {
    fail('PreconditionFailed', 'If-Unmodified-Since')
  }
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, now.etag, 'weak')) fail('NotModified', 'If-None-Match')
  } else if (ifModifiedSince && seconds(now.lastModified) <= seconds(ifModifiedSince)) {
    fail('NotModified', 'If-Modified-Since')
  }
}

/** The conditions on a copy's source. A copy has no 304 response, so every failed condition is PreconditionFailed. */
export function checkSourceConditions(now: Validators, o: ReadConditions): void {
  try {
    checkReadConditions(now, o)
  } catch (cause) {
    if (!(cause instanceof StorageError) || cause.code !== 'NotModified') throw cause
    throw new StorageError('PreconditionFailed', { message: cause.message, details: cause.details })
  }
}

export function fail(
  code: StorageErrorCode & ('PreconditionFailed' | 'NotModified'),
  condition: string,
  resource?: string,
): never {
  throw new StorageError(code, {
    message: 'At least one of the pre-conditions you specified did not hold',
    details: { Condition: condition },
    ...(resource !== undefined && { resource }),
  })
}

/** `list` is a header's value: `*`, or ETags, quoted or bare. A weak ETag never matches in a strong comparison. */
export function matches(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  return list.split(',').some((item) => {
    // Trim first. A pattern that allows white space at both ends takes quadratic time.
    const [, weak, quoted, bare] = /^(W\/)?(?:"([^"]*)"|([^"\s]*))$/.exec(item.trim()) ?? []
    return (quoted ?? bare) === etag && (comparison === 'weak' || !weak)
  })
}

/** HTTP dates have no fractions. */
const seconds = (date: Date): number => Math.floor(date.getTime() / 1000)
