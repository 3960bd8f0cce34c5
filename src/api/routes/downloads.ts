import { allowRedirectedPage } from '../../http/cors.ts'
import { issueDownload } from '../../service/downloads/issue-download.ts'
import { publicDownload } from '../../service/downloads/public-download.ts'
import type { Call } from '../deps.ts'
import { downloadQuery, parseQuery } from '../input.ts'
import { fileId } from './file-id.ts'
import { publicPrefix } from '../../gateway-names.ts'

export async function issueDownloadUrl({ ctx, deps, user }: Call): Promise<void> {
  const { expiresAt, ...issued } = await issueDownload(deps, user, {
    id: fileId(ctx),
    ...parseQuery(downloadQuery, ctx.query),
  })
  ctx.body = { ...issued, expiresAt: expiresAt.toISOString() }
}

/** Redirects to the bytes, so that `<img src>` works. Browsers may cache the redirect while the target is valid. */
export async function content({ ctx, deps, user }: Call): Promise<void> {
  const issued = await issueDownload(deps, user, { id: fileId(ctx), ...parseQuery(downloadQuery, ctx.query) })
  redirect({ ctx, deps }, ctx.method === 'HEAD' ? issued.headUrl : issued.downloadUrl)
  ctx.set('cache-control', `private, max-age=${Math.floor(issued.expiresIn / 2)}`)
  // If two users share a browser, the second must not get the first one's redirect.
  ctx.append('vary', 'Authorization, Cookie')
}

export async function publicContent({ ctx, deps }: Call): Promise<void> {
  const { key = '' } = ctx['params'] as Record<string, string | undefined>
  const { url, settled } = await publicDownload(deps, key.startsWith(publicPrefix) ? key : publicPrefix + key)
  redirect({ ctx, deps }, url)
  if (!settled) ctx.set('cache-control', 'no-store')
}

export function redirect({ ctx, deps }: Pick<Call, 'ctx' | 'deps'>, url: string): void {
  ctx.status = 302
  ctx.set('location', url)
  // Lets pages of other origins embed the redirect. The objects origin decides about the bytes.
  ctx.set('cross-origin-resource-policy', 'cross-origin')
  allowRedirectedPage(ctx.res, deps.config.cors.origins, ctx.req.headers.origin)
  ctx.body = ''
}
