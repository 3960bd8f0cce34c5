import { randomUUID } from 'node:crypto'
import { extension as extensionOf, lookup } from 'mime-types'
import type { Visibility } from '../../catalog/catalog.ts'
import { essenceOf } from '../../media-type.ts'
import { canonicalType } from '../content-type/type-families.ts'
import { publicPrefix, sealedPrefix, uploadsPrefix } from '../../gateway-names.ts'

/** The key an upload URL writes to. Nothing of the client's goes into it but a harmless extension. */
export const newUploadKey = (visibility: Visibility, filename: string, mimeType: string): string =>
  `${visibility === 'public' ? publicPrefix : uploadsPrefix}${randomUUID()}${keyExtension(filename, mimeType)}`

/** The fresh key to which a confirmed object is copied by stores that have no better way to freeze it. */
export function newSealedKey(key: string): string {
  const extension = /\.[a-z0-9]{1,10}$/.exec(key)?.[0] ?? ''
  return `${key.startsWith(publicPrefix) ? publicPrefix : sealedPrefix}${randomUUID()}${extension}`
}

/**
 * Servers and programs decide by the extension what a file is. So the name's own is kept only where it stands for the
 * type that is verified, and otherwise the type's takes its place.
 */
function keyExtension(filename: string, mimeType: string): string {
  const own = /[^.]\.([a-z0-9]{1,10})$/i.exec(filename)?.[1]?.toLowerCase()
  const type = canonicalType(essenceOf(mimeType))
  const usual = extensionOf(type) || extensionOf(essenceOf(mimeType)) || undefined
  const fits = own !== undefined && (stands(own, type) || (usual === undefined && lookup(own) === false))
  const extension = fits ? own : usual
  return extension === undefined ? '' : `.${extension}`
}

const stands = (extension: string, type: string): boolean => canonicalType(lookup(extension) || '') === type
