import { StorageError } from '../../../errors.ts'
import type { ObjectRef } from '../../driver.ts'
import { resourceOf } from '../../rules.ts'
import type { DiskContext } from '../context.ts'
import { notFound, type ObjectRow } from '../object-rows.ts'
import { assertVersionId, nullVersion } from './version-id.ts'
import { asObject, isMarker, type VersionRow } from './version-rows.ts'

type Rows = Pick<DiskContext, 'objects' | 'versions' | 'buckets'>

/**
 * The current object, or the given version. Errors: InvalidArgument for a malformed id, NoSuchBucket, NotFound,
 * NoSuchVersion, IsDeleteMarker if the version is a delete marker.
 */
export function demandObject(rows: Rows, ref: ObjectRef, versionId?: string): ObjectRow {
  const { objects, versions, buckets } = rows
  const current = objects.find(ref)
  if (current && (versionId === undefined || current.version === versionId)) return current
  buckets.demand(ref.bucket)
  if (versionId !== undefined) assertVersionId(versionId, { madeVersions: buckets.versioning(ref.bucket) !== null })
  if (versionId === undefined) {
    const marker = versions.newest(ref)
    throw marker ? missingBy(marker) : notFound(resourceOf(ref))
  }
  const found = versions.find(ref, versionId)
  if (!found) throw noSuchVersion(ref, versionId)
  if (!isMarker(found)) return asObject(found)
  throw new StorageError('IsDeleteMarker', {
    message: 'The specified method is not allowed against this resource.',
    resource: resourceOf(ref),
    details: { Method: 'GET', ResourceType: 'DeleteMarker' },
    deleteMarker: { versionId, lastModified: new Date(found.modified_at) },
  })
}

/** The version id for the head of an object. Only objects of buckets with versions have one. */
export function versionIdOf({ buckets }: Rows, { bucket, version }: ObjectRow): string | undefined {
  return version !== nullVersion || buckets.versioning(bucket) !== null ? version : undefined
}

function missingBy(marker: VersionRow): StorageError {
  const error = notFound(resourceOf(marker))
  return new StorageError('NotFound', {
    message: error.message,
    resource: resourceOf(marker),
    deleteMarker: { versionId: marker.version, lastModified: new Date(marker.modified_at) },
  })
}

const noSuchVersion = (ref: ObjectRef, versionId: string): StorageError =>
  new StorageError('NoSuchVersion', {
    message: 'The specified version does not exist.',
    resource: resourceOf(ref),
    details: { Key: ref.key, VersionId: versionId },
  })
