import type { Checksum, ObjectRef, PresignUploadOptions } from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'
import type { ServiceDeps } from './deps.ts'

/** What an upload URL is to be bound to. `declared`: the client named the type itself. */
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
  /** To be sent verbatim with the bytes. */
  headers: Record<string, string>
  /** The form's fields, for POST. */
  fields?: Record<string, string>
  /** The URL can only create. */
  writeOnce: boolean
  expiresIn: number
  expiresAt: Date
}

/**
 * Signs as much of the binding as the store can enforce. What it cannot is not asked for and is verified at confirm
 * instead. Errors: NotSupported for a form upload where the store takes none.
 */
export async function presignGrant(deps: ServiceDeps, o: Binding): Promise<SignedGrant> {
  const can = deps.driver.capabilities
  if (o.method === 'PUT') return presignPut(deps, o)
  if (can.has('presign-post')) return presignForm(deps, o)
  throw new StorageError('NotSupported', { message: noForms(deps.config) })
}

const noForms = ({ storage }: ServiceDeps['config']): string =>
  `The store takes no form uploads (storage.s3.provider: ${storage.s3.provider}). Send method "PUT". If the check "post" of ` +
  'postern doctor succeeds, set storage.s3.provider to what the store is; or set storage.delivery: proxied.'

async function presignPut(deps: ServiceDeps, o: Binding): Promise<SignedGrant> {
  const can = deps.driver.capabilities
  const writeOnce = o.writeOnce && can.has('conditional-put')
  const options: PresignUploadOptions = {
    expiresIn: o.expiresIn,
    ...(o.declared ? { contentType: o.mimeType } : {}),
    ...(o.size !== null && can.has('signed-length') ? { contentLength: o.size } : {}),
    ...(o.checksum !== null && can.has('signed-checksum') ? { checksum: o.checksum } : {}),
    ...(writeOnce ? { ifNoneMatch: '*' as const } : {}),
  }
  const { url, headers, expiresIn, expiresAt } = await deps.driver.presignUpload(o.target, options)
  return { method: 'PUT', url, headers: { 'content-type': o.mimeType, ...headers }, writeOnce, expiresIn, expiresAt }
}

async function presignForm(deps: ServiceDeps, o: Binding): Promise<SignedGrant> {
  const { url, fields, expiresIn, expiresAt } = await deps.driver.presignPost(o.target, {
    expiresIn: o.expiresIn,
    contentType: o.mimeType,
    minBytes: o.size ?? 0,
    maxBytes: o.size ?? Math.min(deps.config.uploads.maxSize, deps.driver.limits.maxPutSize),
    ...(o.checksum !== null && deps.driver.capabilities.has('signed-checksum') ? { checksum: o.checksum } : {}),
  })
  return { method: 'POST', url, headers: {}, fields, writeOnce: false, expiresIn, expiresAt }
}

/** Seconds, within what the configuration and the store allow. `given` was checked against the same bounds. */
export function uploadLifetime(deps: ServiceDeps, given: number | undefined): number {
  const { expiresIn, maxExpiresIn } = deps.config.uploads
  return boundedLifetime(given, expiresIn, Math.min(maxExpiresIn, deps.driver.limits.maxExpiresIn))
}

/** Errors: InvalidArgument, when the caller asked for more than `most` or less than a second. */
export function boundedLifetime(given: number | undefined, usual: number, most: number): number {
  const limit = Math.max(1, Math.floor(most))
  if (given === undefined) return Math.min(limit, Math.max(1, Math.floor(usual)))
  if (Number.isInteger(given) && given >= 1 && given <= limit) return given
  throw new StorageError('InvalidArgument', { message: `expiresIn must be whole seconds from 1 to ${limit}.` })
}
