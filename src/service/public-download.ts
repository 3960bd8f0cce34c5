import { StorageError } from '../errors.ts'
import { atStore } from './at-store.ts'
import type { ServiceDeps } from './deps.ts'
import { presignFile } from './issue-download.ts'
import { headOrNull } from './remove-versions.ts'
import { settleForRead } from './settle-auto-confirm.ts'

/**
 * Where anyone may read a public file now. `settled` is false while the upload is pending: the object is served, as a
 * public bucket would, and may still change. Errors: NotFound.
 */
export async function publicDownload(given: ServiceDeps, key: string): Promise<{ url: string; settled: boolean }> {
  const found = await given.catalog.findUploadByKey(key)
  if (found?.file.visibility !== 'public') throw noSuchObject()
  const { file, looked } = await settleForRead(given, found)
  if (!file) throw noSuchObject()
  const deps = atStore(given, file)
  if (file.status === 'confirmed') {
    const direct = deps.driver.publicUrl({ bucket: file.object.bucket, key: file.object.key })
    return { url: direct ?? (await presignFile(deps, file)).downloadUrl, settled: true }
  }
  if (file.status !== 'pending' || !found.grant || !looked || !(await headOrNull(deps, found.grant.target)))
    throw noSuchObject()
  // Nothing is verified yet: not to be shown in place, whatever type it claims.
  const { downloadUrl } = await presignFile(deps, file, { disposition: 'attachment' })
  return { url: downloadUrl, settled: false }
}

const noSuchObject = () => new StorageError('NotFound', { message: 'There is no such public file.' })
