/** What an upload must declare to become a file that anyone can read. */
import { isActiveType } from '../active-type.ts'
import { StorageError } from '../errors.ts'
import { essenceOf } from '../media-type.ts'
import type { ServiceDeps } from './deps.ts'

export type PublicUpload = {
  mimeType: string
  /** The client named the type itself, so the URL is bound to it. */
  isDeclared: boolean
  /** Bytes; null where the client named none. */
  size: number | null
}

/**
 * A bucket or a CDN below `downloads.publicBaseUrl` serves the object as it was sent, before anything is verified. There
 * the upload URL must be bound to a type and a size, and the type must be one that browsers do not run.
 * Errors: TypeNotAllowed, InvalidArgument.
 */
export function checkPublicUpload(deps: Pick<ServiceDeps, 'config' | 'stores'>, upload: PublicUpload): void {
  const { uploads } = deps.config
  const servedByStore = deps.stores.current.capabilities.has('serves-public')
  if (isActiveType(upload.mimeType)) checkActive(upload.mimeType, uploads.allowedTypes, servedByStore)
  if (!servedByStore) return
  if (!upload.isDeclared) throw missing('mimeType', 'its type: send mimeType, such as "image/png"')
  if (upload.size === null) throw missing('size', 'its size: send size, the bytes of the file')
}

function checkActive(mimeType: string, allowed: readonly string[], servedByStore: boolean): void {
  const named = allowed.some((type) => type.toLowerCase() === essenceOf(mimeType))
  if (named && !servedByStore) return
  const advice = servedByStore
    ? 'Upload it with visibility "private".'
    : `Upload it with visibility "private". To allow it, name ${essenceOf(mimeType)} itself in uploads.allowedTypes.`
  throw new StorageError('TypeNotAllowed', {
    message: `${mimeType} is not allowed for public files, because browsers run scripts in it. ${advice}`,
  })
}

const missing = (field: string, what: string) =>
  new StorageError('InvalidArgument', {
    message: `A public file must declare ${what}. Public files are served by downloads.publicBaseUrl here, before the gateway verifies them.`,
    details: { field },
  })
