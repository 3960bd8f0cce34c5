/** Ids of versions: 32 characters, opaque to clients. The first 8 encode the place among the versions of the key. */
import { randomBytes } from 'node:crypto'
import { StorageError } from '../../../errors.ts'

/** The version id of an object that was written while its bucket had no versioning. */
export const nullVersion = 'null'

const placeBytes = 6

export function newVersionId(nth: number): string {
  const bytes = Buffer.alloc(24)
  bytes.writeUIntBE(nth, 0, placeBytes)
  randomBytes(24 - placeBytes).copy(bytes, placeBytes)
  return bytes.toString('base64url')
}

/** null if the id does not contain the place. With it, a listing can continue after a deleted version. */
export function placeOfVersion(versionId: string): number | null {
  if (versionId === nullVersion) return null
  return Buffer.from(versionId, 'base64url').readUIntBE(0, placeBytes)
}

/** Errors: InvalidArgument for an impossible id, and for any id but null in a bucket that never had versions. */
export function assertVersionId(versionId: string, o: { madeVersions: boolean }): void {
  if (versionId === nullVersion || (o.madeVersions && /^[\w.-]{32}$/.test(versionId))) return
  throw new StorageError('InvalidArgument', {
    message: 'Invalid version id specified',
    details: { ArgumentName: 'versionId', ArgumentValue: versionId.slice(0, 80) },
  })
}
