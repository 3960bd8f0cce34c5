import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Link } from '../catalog/catalog.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'
import type { ServiceDeps } from './deps.ts'
import { getFile, noSuchFile } from './get-file.ts'

/** Links that one file may have at a time, spent and expired ones included. */
const mostLinks = 100

/**
 * A URL at the API's origin by which anyone may read the file, `maxUses` times and for `expiresIn` seconds. It is told
 * this once: only a digest of its token is kept. Errors: NotSupported where the bytes are not served by us, NotFound,
 * UploadIncomplete, QuotaExceeded.
 */
export async function createLink(
  deps: ServiceDeps,
  owner: string,
  o: { id: string; maxUses?: number; expiresIn?: number },
): Promise<{ link: Link; url: string }> {
  const file = await getFile(deps, owner, o.id, { settle: true })
  assertRevocable(deps.stores.of(file))
  if (file.status !== 'confirmed') {
    throw new StorageError('UploadIncomplete', {
      resource: `/files/${file.id}`,
      message: 'This file is not confirmed yet: confirm it, then make a link to it.',
    })
  }
  const token = randomBytes(32).toString('base64url')
  const now = deps.now()
  const link = await deps.catalog.createLink(owner, {
    id: randomUUID(),
    fileId: file.id,
    tokenHash: hashOf(token),
    expiresAt: o.expiresIn === undefined ? null : new Date(now.getTime() + o.expiresIn * 1000),
    maxUses: o.maxUses ?? null,
    mostLinks,
    now,
  })
  if (!link) throw noSuchFile(file.id)
  return { link, url: `${deps.urls.api()}/l/${token}` }
}

/** A bucket that serves its own URLs could neither be asked to count nor to stop. */
export function assertRevocable({ capabilities }: StorageDriver): void {
  if (capabilities.has('revocable-reads')) return
  throw new StorageError('NotSupported', {
    message:
      'Links are for stores whose bytes pass through this server: write storage: { delivery: proxied }, or use download-url.',
  })
}

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')
