import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { StorageDriver } from '../../drivers/driver.ts'
import { getFile, noSuchFile } from '../files/read-files.ts'
import type { Link } from '../../catalog/catalog.ts'
import { StorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'

/** Maximum links per file, including used and expired ones. */
const mostLinks = 100

/**
 * Creates a URL at the API's origin with which anyone can read the file, `maxUses` times and for `expiresIn` seconds.
 * The URL is returned only here, because only a digest of its token is stored. Errors: NotSupported if the gateway
 * does not serve the bytes, NotFound, UploadIncomplete, QuotaExceeded.
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
      message: 'This file is not confirmed yet. Confirm it, then create a link to it.',
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

/** A bucket that serves its own URLs can neither count uses nor revoke a link. */
export function assertRevocable({ capabilities }: StorageDriver): void {
  if (capabilities.has('revocable-reads')) return
  throw new StorageError('NotSupported', {
    message:
      'Share links need a store whose bytes pass through this server. Set storage.delivery to proxied, or use download-url.',
  })
}

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Lists the links of a file, newest first. Errors: NotFound. */
export async function listLinks(deps: ServiceDeps, owner: string, id: string): Promise<Link[]> {
  await getFile(deps, owner, id)
  return deps.catalog.listLinks(owner, id)
}

/** Revokes a link and the URLs that it has issued. Errors: NotFound. */
export async function revokeLink(deps: ServiceDeps, owner: string, o: { id: string; link: string }): Promise<void> {
  if (await deps.catalog.deleteLink(owner, o.id, o.link)) return
  throw new StorageError('NotFound', { resource: `/files/${o.id}`, message: 'There is no such link.' })
}
