import type { Checksum, ObjectRef, PresignUploadOptions, StorageDriver } from '../../drivers/driver.ts'
import { StorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'

/** The values that an upload URL binds. `declared`: the client named the type itself. */
export type Binding = {
  method: 'PUT' | 'POST'
  target: ObjectRef
  mimeType: string
  declared: boolean
  size: number | null
  checksum: Checksum | null
  writeOnce: boolean
  expiresIn: number
}

export type SignedGrant = {
  method: 'PUT' | 'POST'
  url: string
  /** The client must send these verbatim with the bytes. */
  headers: Record<string, string>
  /** The form's fields, for POST. */
  fields?: Record<string, string>
  /** The URL can only create an object, not replace one. */
  writeOnce: boolean
  expiresIn: number
  expiresAt: Date
}

/**
 * Signs the part of the binding that the store can enforce. The rest is verified when the upload is confirmed. Errors:
 * NotSupported for a form upload if the store does not accept forms.
 */
export async function presignGrant(deps: ServiceDeps, store: StorageDriver, o: Binding): Promise<SignedGrant> {
  if (o.method === 'PUT') return presignPut(store, o)
  return presignForm(deps, store, o)
}

async function presignPut(store: StorageDriver, o: Binding): Promise<SignedGrant> {
  const can = store.capabilities
  const writeOnce = o.writeOnce && can.has('conditional-put')
  const options: PresignUploadOptions = {
    expiresIn: o.expiresIn,
    ...(o.declared ? { contentType: o.mimeType } : {}),
    ...(o.size !== null && can.has('signed-length') ? { contentLength: o.size } : {}),
    ...(o.checksum !== null && can.has('signed-checksum') ? { checksum: o.checksum } : {}),
    ...(writeOnce ? { ifNoneMatch: '*' as const } : {}),
  }
  const { url, headers, expiresIn, expiresAt } = await store.presignUpload(o.target, options)
  return { method: 'PUT', url, headers: { 'content-type': o.mimeType, ...headers }, writeOnce, expiresIn, expiresAt }
}

async function presignForm(deps: ServiceDeps, store: StorageDriver, o: Binding): Promise<SignedGrant> {
  const { url, fields, expiresIn, expiresAt } = await store.presignPost(o.target, {
    expiresIn: o.expiresIn,
    contentType: o.mimeType,
    minBytes: o.size ?? 0,
    maxBytes: o.size ?? Math.min(deps.config.uploads.maxSize, store.limits.maxPutSize),
    ...(o.checksum !== null && store.capabilities.has('signed-checksum') ? { checksum: o.checksum } : {}),
  })
  return { method: 'POST', url, headers: {}, fields, writeOnce: false, expiresIn, expiresAt }
}

/** Lifetime in seconds, within the limits of the configuration and the store. Errors: InvalidArgument. */
export function uploadLifetime(deps: ServiceDeps, store: StorageDriver, given: number | undefined): number {
  const { expiresIn, maxExpiresIn } = deps.config.uploads
  return boundedLifetime(given, expiresIn, Math.min(maxExpiresIn, store.limits.maxExpiresIn))
}

/** Errors: InvalidArgument if `given` is more than `most` or less than a second. */
export function boundedLifetime(given: number | undefined, usual: number, most: number): number {
  const limit = Math.max(1, Math.floor(most))
  if (given === undefined) return Math.min(limit, Math.max(1, Math.floor(usual)))
  if (Number.isInteger(given) && given >= 1 && given <= limit) return given
  throw new StorageError('InvalidArgument', { message: `expiresIn must be whole seconds from 1 to ${limit}.` })
}
