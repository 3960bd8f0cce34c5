import { StorageError } from '../../errors.ts'
import { presignFile } from './issue-download.ts'
import { headOrNull } from '../stores/stored-objects.ts'
import { settleForRead } from '../uploads/settle-auto-confirm.ts'
import { isPending, isVerified } from '../uploads/verify-upload.ts'
import type { FileRecord } from '../../catalog/catalog.ts'
import type { ObjectRef } from '../../drivers/driver.ts'
import type { ServiceDeps } from '../deps.ts'

/**
 * The URL at which anyone can read a public file now. `settled` is false while the upload is pending: the object is
 * verified, but its uploader can still replace it. Errors: NotFound.
 */
export async function publicDownload(deps: ServiceDeps, key: string): Promise<{ url: string; settled: boolean }> {
  const found = await deps.catalog.findUploadByKey(key)
  if (found?.file.visibility !== 'public') throw noSuchObject()
  const { file, looked } = await settleForRead(deps, found)
  if (!file) throw noSuchObject()
  const store = deps.stores.of(file)
  if (file.status === 'confirmed') {
    const direct = store.publicUrl({ bucket: file.object.bucket, key: file.object.key })
    return { url: direct ?? (await presignFile(deps, file)).downloadUrl, settled: true }
  }
  if (!isPending(found)) throw noSuchObject()
  // Do not ask the store for an object that was never sent. An object that was seen before may have been replaced.
  if (!looked && found.grant.written === undefined) throw noSuchObject()
  const head = await headOrNull(store, found.grant.target)
  if (!head || !(await isVerified(deps, found, head))) throw noSuchObject()
  const { versionId } = head
  const seen = versionId === undefined ? file : { ...file, object: { ...file.object, versionId } }
  return { url: (await presignFile(deps, seen, { pending: true })).downloadUrl, settled: false }
}

const noSuchObject = () => new StorageError('NotFound', { message: 'There is no such public file.' })

/**
 * The public URL of a public file: at the store if it serves anonymous readers, otherwise the API's public route,
 * which redirects. null for private files.
 */
export function publicUrl(deps: Pick<ServiceDeps, 'stores' | 'urls'>, file: FileRecord): string | null {
  if (file.visibility !== 'public') return null
  const atStore = deps.stores.has(file) ? deps.stores.of(file).publicUrl(publicRef(file)) : null
  return atStore ?? `${deps.urls.api()}/public/${encodeKey(file.key)}`
}

/** The sealed object, if there is one, because the issued key can be written to until its URL expires. */
const publicRef = (file: FileRecord): ObjectRef => ({ bucket: file.object.bucket, key: file.object.key })

const encodeKey = (key: string): string => key.split('/').map(encodeURIComponent).join('/')
