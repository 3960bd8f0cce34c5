import type { FileRecord } from '../../catalog/catalog.ts'
import type { ResponseOverrides, StorageDriver } from '../../drivers/driver.ts'
import { StorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'
import { getFile } from '../files/read-files.ts'
import { boundedLifetime } from '../uploads/presign-grant.ts'
import { servedAs } from './object-headers.ts'

/** Lifetime in seconds of the URL of an object that its uploader can still replace. */
const pendingLifetime = 60

export type Disposition = 'inline' | 'attachment'

export type IssuedDownload = {
  downloadUrl: string
  /** For HEAD. S3 signs the method, so the URL for GET does not answer HEAD. */
  headUrl: string
  /** Seconds from now. */
  expiresIn: number
  expiresAt: Date
}

/** Presigns GET and HEAD of a confirmed file. Errors: NotFound, UploadIncomplete, InvalidArgument. */
export async function issueDownload(
  deps: ServiceDeps,
  owner: string,
  input: { id: string; disposition?: Disposition; expiresIn?: number },
): Promise<IssuedDownload> {
  const file = await getFile(deps, owner, input.id, { settle: true })
  if (file.status !== 'confirmed') {
    throw new StorageError('UploadIncomplete', {
      resource: `/files/${file.id}`,
      message: 'This file is not confirmed yet. Confirm it before you download it.',
    })
  }
  return presignFile(deps, file, input)
}

/**
 * Presigns a file that the caller knows can be served. Only types in `downloads.inlineTypes` get `disposition: inline`.
 * `pending`: the uploader can still replace the object, so the URL is short-lived, no cache stores the response, and
 * browsers do not display it inline.
 */
export async function presignFile(
  deps: ServiceDeps,
  file: FileRecord,
  o: { disposition?: Disposition; expiresIn?: number; pending?: boolean } = {},
): Promise<IssuedDownload> {
  const store = deps.stores.of(file)
  const lifetime: Lifetime =
    o.pending === true ? { expiresIn: pendingLifetime } : downloadLifetime(deps, store, o.expiresIn)
  const disposition = o.pending === true ? 'attachment' : o.disposition
  const get = await store.presignDownload(file.object, {
    ...versionOf(file),
    ...lifetime,
    response: { ...servedAs(deps, file, disposition), ...caching(file, lifetime.expiresIn, o.pending ?? false) },
  })
  const left = (get.expiresAt.getTime() - deps.now().getTime()) / 1000
  const expiresIn = lifetime.signedAt === undefined ? get.expiresIn : Math.max(1, Math.floor(left))
  const head = await store.presignHead(file.object, { ...versionOf(file), expiresIn })
  return { downloadUrl: get.url, headUrl: head.url, expiresIn, expiresAt: get.expiresAt }
}

function caching({ visibility }: FileRecord, expiresIn: number, pending: boolean): ResponseOverrides {
  if (pending) return { cacheControl: 'no-store', expires: new Date(0).toUTCString() }
  return visibility === 'private' ? { cacheControl: `private, max-age=${expiresIn}` } : {}
}

export const versionOf = ({ object: { versionId } }: FileRecord): { versionId?: string } =>
  versionId === undefined ? {} : { versionId }

type Lifetime = { expiresIn: number; signedAt?: Date }

/**
 * With downloads.stableFor, all URLs signed in one window are equal, so that caches can store the response. The URL is
 * dated at the window's start, and the window is added to its lifetime, within the store's limit.
 */
function downloadLifetime(deps: ServiceDeps, store: StorageDriver, given: number | undefined): Lifetime {
  const { expiresIn, stableFor } = deps.config.downloads
  const most = store.limits.maxExpiresIn
  const wanted = boundedLifetime(given, expiresIn, most)
  const window = Math.floor(stableFor ?? 0)
  if (window < 1) return { expiresIn: wanted }
  const now = Math.floor(deps.now().getTime() / 1000)
  const elapsed = now % window
  // Near the store's limit a whole window does not fit. The URL is not stable then.
  if (wanted + window > most) return { expiresIn: wanted }
  return { expiresIn: wanted + window, signedAt: new Date((now - elapsed) * 1000) }
}
