import type { FileRecord } from '../catalog/catalog.ts'
import type { Checksum, ObjectHead, Problem } from '../drivers/driver.ts'
import { isStorageError } from '../errors.ts'
import { isComputable, storedChecksum } from './checksums.ts'
import type { VerifyFilesOptions } from './verify-files.ts'

type Found = Pick<Problem, 'kind' | 'detail' | 'repair'>

/**
 * Reads all bytes of a file. The driver compares the checksum that the store holds, this the one of the catalog; a file
 * that has neither is counted as `filesWithoutChecksum`.
 */
export async function verifyBytes(o: VerifyFilesOptions, file: FileRecord, head: ObjectHead): Promise<Found | null> {
  const { checksum: stored, ...bare } = head
  const recorded = isOfBytes(file.checksum) && isComputable(file.checksum.algorithm) ? file.checksum : null
  if (!recorded && !isOfBytes(stored)) o.report.count('filesWithoutChecksum')
  try {
    const value = recorded
      ? await storedChecksum(o.stores.of(file), file.object, bare, recorded.algorithm)
      : await drain(o, file, head)
    o.report.count('bytes', head.contentLength)
    return value === (recorded?.value ?? null) ? null : damaged('do not have the checksum that is recorded')
  } catch (error) {
    // Deleted meanwhile.
    if (isStorageError(error, 'NotFound', 'PreconditionFailed')) return null
    if (!isStorageError(error, 'Corrupt')) throw error
    return damaged('are not those that were stored')
  }
}

async function drain({ stores, signal }: VerifyFilesOptions, file: FileRecord, head: ObjectHead): Promise<null> {
  const { versionId } = head
  const stored = await stores.of(file).getObject(file.object, { signal, ...(versionId !== undefined && { versionId }) })
  for await (const _ of stored.stream()) signal.throwIfAborted()
  return null
}

const damaged = (what: string): Found => ({ kind: 'file-damaged', detail: `the bytes ${what}`, repair: 'left' })

/** A composite one is a digest of the parts' digests. */
const isOfBytes = (checksum: Checksum | null | undefined): checksum is Checksum =>
  checksum !== null && checksum !== undefined && checksum.type !== 'COMPOSITE' && !checksum.value.includes('-')
