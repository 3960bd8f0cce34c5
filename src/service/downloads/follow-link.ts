import { randomBytes } from 'node:crypto'
import { StorageError } from '../../errors.ts'
import { hashOf } from './share-links.ts'
import type { ServiceDeps } from '../deps.ts'
import { versionOf } from './issue-download.ts'
import { servedAs } from './object-headers.ts'

/** How many seconds the URL behind a link is valid: enough to start, repeat or resume one download. */
const urlLifetime = 60

/** The request that follows a link. `cookie` is the one that an earlier response set. */
export type LinkReader = { address: string; agent: string; cookie: string | null }

/** `cookie` identifies this reader for `urlLifetime`. null if an earlier response set one. */
export type FollowedLink = { url: string; cookie: { value: string; maxAge: number } | null }

/**
 * Counts one use and resolves to a URL of the bytes that expires with the link at the latest. The same reader counts
 * once per `urlLifetime`, because a player sends several requests for one film. The same reader is the same address
 * and user agent, or the same cookie. With `head`, the URL is for HEAD and nothing is counted. Errors: NotFound, the
 * same for unknown, revoked, expired and used-up links.
 */
export async function followLink(
  deps: ServiceDeps,
  token: string,
  { head, reader }: { head: boolean; reader: LinkReader },
): Promise<FollowedLink> {
  if (!/^[\w-]{43}$/.test(token)) throw noSuchLink()
  const now = deps.now()
  const fresh = randomBytes(16).toString('base64url')
  // Each digest includes the token, which is not stored, so the catalog does not reveal readers' addresses.
  const digest = (...parts: string[]) => hashOf(JSON.stringify([token, ...parts]))
  const byAddress = digest('address', reader.address, reader.agent)
  const followed = await deps.catalog.followLink(hashOf(token), {
    count: !head,
    readers: [byAddress, ...(reader.cookie === null ? [] : [digest('cookie', reader.cookie)])],
    remember: [byAddress, digest('cookie', fresh)],
    until: new Date(now.getTime() + urlLifetime * 1000),
    now,
  })
  if (!followed) throw noSuchLink()
  const cookie = followed.isNew ? { value: fresh, maxAge: urlLifetime } : null
  const { link, file } = followed
  const left = link.expiresAt === null ? Infinity : (link.expiresAt.getTime() - now.getTime()) / 1000
  // Lifetimes are whole seconds. In the link's last second, the endpoint's check of the link is stricter than the URL.
  const store = deps.stores.of(file)
  // A link stays valid after its file moves to a bucket. There, a URL that it issued works until it expires, even after
  // the link is revoked.
  const bound = store.capabilities.has('revocable-reads') ? { link: link.id } : {}
  const o = { ...versionOf(file), expiresIn: Math.max(1, Math.min(urlLifetime, Math.floor(left))), ...bound }
  if (head) return { url: (await store.presignHead(file.object, o)).url, cookie }
  const response = { ...servedAs(deps, file), cacheControl: 'private, no-store' }
  return { url: (await store.presignDownload(file.object, { ...o, response })).url, cookie }
}

const noSuchLink = () =>
  new StorageError('NotFound', {
    message: 'This link does not work. It is mistyped, expired, revoked, or used up.',
  })
