import type { FileRecord } from '../catalog/catalog.ts'
import type { ObjectRef } from '../drivers/driver.ts'
import type { ServiceDeps } from './deps.ts'

/**
 * Where anyone may read a public file: at the store where it serves anonymous readers, else at the API's own public
 * route, which redirects. null for private files.
 */
export function publicUrl(deps: Pick<ServiceDeps, 'stores' | 'urls'>, file: FileRecord): string | null {
  if (file.visibility !== 'public') return null
  const atStore = deps.stores.has(file) ? deps.stores.of(file).publicUrl(publicRef(file)) : null
  return atStore ?? `${deps.urls.api()}/public/${encodeKey(file.key)}`
}

/** The sealed object once there is one: the issued key may be written to until its URL expires. */
const publicRef = (file: FileRecord): ObjectRef => ({ bucket: file.object.bucket, key: file.object.key })

const encodeKey = (key: string): string => key.split('/').map(encodeURIComponent).join('/')
