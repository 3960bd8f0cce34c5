import { randomUUID } from 'node:crypto'
import { extension as extensionOf } from 'mime-types'
import type { Visibility } from '../catalog/catalog.ts'

/** The key an upload URL writes to. Nothing of the client's goes into it but a harmless extension. */
export const newUploadKey = (visibility: Visibility, filename: string, mimeType: string): string =>
  `${visibility === 'public' ? 'public' : 'uploads'}/${randomUUID()}${keyExtension(filename, mimeType)}`

/** The fresh key to which a confirmed object is copied by stores that have no better way to freeze it. */
export function newSealedKey(key: string): string {
  const extension = /\.[a-z0-9]{1,10}$/.exec(key)?.[0] ?? ''
  return `${key.startsWith('public/') ? 'public' : 'files'}/${randomUUID()}${extension}`
}

function keyExtension(filename: string, mimeType: string): string {
  const own = /[^.]\.([a-z0-9]{1,10})$/i.exec(filename)?.[1]
  const extension = own?.toLowerCase() ?? (extensionOf(mimeType) || '')
  return extension === '' ? '' : `.${extension}`
}
