/** Ids of versions: 32 characters, opaque to clients, of which the first 8 are the place among the versions of the key. */
import { randomBytes } from 'node:crypto'
import { StorageError } from '../../../errors.ts'

/** The only version of an object that was written while its bucket made no versions. */
export const nullVersion = 'null'

const placeBytes = 6

export function newVersionId(nth: number): string {
  const bytes = Buffer.alloc(24)
  bytes.writeUIntBE(nth, 0, placeBytes)
  randomBytes(24 - placeBytes).copy(bytes, placeBytes)
  return bytes.toString('base64url')
}

/** Null where the id does not tell it. A listing goes on after a version that has been deleted since. */
export function placeOfVersion(versionId: string): number | null {
  if (versionId === nullVersion) return null
  return Buffer.from(versionId, 'base64url').readUIntBE(0, placeBytes)
}

/** Errors: InvalidArgument for what no store would give out as an id, and in a bucket that has only the version null. */
export function assertVersionId(versionId: string, o: { madeVersions: boolean }): void {
  if (versionId === nullVersion || (o.madeVersions && /^[\w.-]{32}$/.test(versionId))) return
  throw new StorageError('InvalidArgument', {
    message: 'Invalid version id specified',
    details: { ArgumentName: 'versionId', ArgumentValue: versionId.slice(0, 80) },
  })
}
