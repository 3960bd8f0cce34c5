import { randomUUID } from 'node:crypto'
import { extension as extensionOf, lookup } from 'mime-types'
import type { Visibility } from '../../catalog/catalog.ts'
import { essenceOf } from '../../media-type.ts'
import { canonicalType } from '../content-type/type-families.ts'
import { publicPrefix, sealedPrefix, uploadsPrefix } from '../../gateway-names.ts'

/** The key that an upload URL writes to. It contains nothing of the client's filename except a harmless extension. */
export const newUploadKey = (visibility: Visibility, filename: string, mimeType: string): string =>
  `${visibility === 'public' ? publicPrefix : uploadsPrefix}${randomUUID()}${keyExtension(filename, mimeType)}`

/** A new key for the sealed copy of a confirmed object, for stores that cannot seal in place. */
export function newSealedKey(key: string): string {
  const extension = /\.[a-z0-9]{1,10}$/.exec(key)?.[0] ?? ''
  return `${key.startsWith(publicPrefix) ? publicPrefix : sealedPrefix}${randomUUID()}${extension}`
}

/**
 * Servers and programs derive the type of a file from its extension. The filename's own extension is kept only if it
 * stands for the verified type. Otherwise the type's usual extension replaces it.
 */
function keyExtension(filename: string, mimeType: string): string {
  const own = /[^.]\.([a-z0-9]{1,10})$/i.exec(filename)?.[1]?.toLowerCase()
  const type = canonicalType(essenceOf(mimeType))
  const usual = extensionOf(type) || extensionOf(essenceOf(mimeType)) || undefined
  const fits = own !== undefined && (matchesType(own, type) || (usual === undefined && lookup(own) === false))
  const extension = fits ? own : usual
  return extension === undefined ? '' : `.${extension}`
}

const matchesType = (extension: string, type: string): boolean => canonicalType(lookup(extension) || '') === type
