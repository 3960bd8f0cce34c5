import type { Link } from '../../catalog/catalog.ts'
import { createLink as create } from '../../service/create-link.ts'
import { followLink as follow } from '../../service/follow-link.ts'
import { listLinks as listOf } from '../../service/list-links.ts'
import { revokeLink as revoke } from '../../service/revoke-link.ts'
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

/** Never kept: the next use is to be counted too. */
export async function followLink({ ctx, deps }: Call): Promise<void> {
  const { token = '' } = ctx['params'] as Record<string, string | undefined>
  ctx.set('cache-control', 'no-store')
  redirect({ ctx, deps }, await follow(deps, token, { head: ctx.method === 'HEAD' }))
}

const linkJson = ({ id, expiresAt, maxUses, uses }: Link) => ({
  id,
  expiresAt: expiresAt?.toISOString() ?? null,
  maxUses,
  uses,
})
