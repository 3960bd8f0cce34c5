import type { Link } from '../../catalog/catalog.ts'
import { createLink as create, listLinks as listOf, revokeLink as revoke } from '../../service/downloads/share-links.ts'
import { createClientIp } from '../../http/client-ip.ts'
import { followLink as follow } from '../../service/downloads/follow-link.ts'
import type { Call } from '../deps.ts'
import { linkInput, parseBody } from '../input.ts'
import { redirect } from './downloads.ts'
import { fileId } from './file-id.ts'

export async function createLink({ ctx, deps, user, body }: Call): Promise<void> {
  const { link, url } = await create(deps, user, { id: fileId(ctx), ...parseBody(linkInput, body) })
  ctx.status = 201
  ctx.set('cache-control', 'no-store')
  ctx.body = { ...linkJson(link), url }
}

export async function listLinks({ ctx, deps, user }: Call): Promise<void> {
  const links = await listOf(deps, user, fileId(ctx))
  ctx.body = { links: links.map((link) => ({ ...linkJson(link), createdAt: link.createdAt.toISOString() })) }
}

export async function revokeLink({ ctx, deps, user }: Call): Promise<void> {
  const { link = '' } = ctx['params'] as Record<string, string | undefined>
  await revoke(deps, user, { id: fileId(ctx), link })
  ctx.status = 204
}

/** A browser prefetches before anyone opens the link. It gets no URL and sends a new request later. */
const isPrefetch = ({ headers }: Call['ctx']['req']): boolean =>
  [headers['sec-purpose'], headers['purpose'], headers['x-moz']].some((value) => /^\s*prefetch\b/i.test(String(value)))

const cookieName = 'postern_link'

/** Not cacheable, so that every use is counted. */
export async function followLink({ ctx, deps }: Call): Promise<void> {
  const { token = '' } = ctx['params'] as Record<string, string | undefined>
  ctx.set('cache-control', 'no-store')
  if (isPrefetch(ctx.req)) {
    ctx.status = 204
    return
  }
  const reader = {
    address: createClientIp(deps.config.server.trustedProxies)(ctx.req),
    agent: ctx.get('user-agent'),
    cookie: ctx.cookies.get(cookieName) ?? null,
  }
  const { url, cookie } = await follow(deps, token, { head: ctx.method === 'HEAD', reader })
  if (cookie !== null) {
    const { pathname, protocol } = new URL(`${deps.urls.api()}/l/${token}`)
    const secure = protocol === 'https:' ? '; Secure' : ''
    ctx.append(
      'set-cookie',
      `${cookieName}=${cookie.value}; Path=${pathname}; Max-Age=${cookie.maxAge}; HttpOnly; SameSite=Lax${secure}`,
    )
  }
  redirect({ ctx, deps }, url)
}

const linkJson = ({ id, expiresAt, maxUses, uses }: Link) => ({
  id,
  expiresAt: expiresAt?.toISOString() ?? null,
  maxUses,
  uses,
})
