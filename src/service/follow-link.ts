import { StorageError } from '../errors.ts'
import { atStore } from './at-store.ts'
import { hashOf } from './create-link.ts'
import type { ServiceDeps } from './deps.ts'
import { versionOf } from './issue-download.ts'
import { servedAs } from './record-headers.ts'

/** Seconds for which the URL behind a link may be used: to begin, repeat or resume one download. */
const urlLifetime = 60

/**
 * Counts one use and resolves to a URL of the bytes that ends with the link at the latest. With `head` it is one for
 * HEAD, and nothing is counted. Errors: NotFound, the same for unknown, revoked, expired and spent links.
 */
export async function followLink(deps: ServiceDeps, token: string, { head }: { head: boolean }): Promise<string> {
  if (!/^[\w-]{43}$/.test(token)) throw noSuchLink()
  const now = deps.now()
  const followed = await deps.catalog.followLink(hashOf(token), { count: !head, now })
  if (!followed) throw noSuchLink()
  const { link, file } = followed
  const left = link.expiresAt === null ? Infinity : (link.expiresAt.getTime() - now.getTime()) / 1000
  // In the link's last second the endpoint, which asks whether the link is alive, is the stricter one.
  const { driver } = atStore(deps, file)
  // A link outlives the move of its file to a bucket; a URL that was followed before it is revoked works to its end there.
  const bound = driver.capabilities.has('revocable-reads') ? { link: link.id } : {}
  const o = { ...versionOf(file), expiresIn: Math.max(1, Math.min(urlLifetime, Math.floor(left))), ...bound }
  if (head) return (await driver.presignHead(file.object, o)).url
  const response = { ...servedAs(deps, file), cacheControl: 'private, no-store' }
  return (await driver.presignDownload(file.object, { ...o, response })).url
}

const noSuchLink = () =>
  new StorageError('NotFound', {
    message: 'This link does not work: it is mistyped, has ended, or was used as often as it may be.',
  })
