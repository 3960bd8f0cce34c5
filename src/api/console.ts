/** Serves the console that `npm run build:console` builds into dist/console. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Context, Middleware } from 'koa'

const compress = promisify(gzip)

// Works from src/api and from dist/api.
const builtPage = join(import.meta.dirname, '..', '..', 'dist', 'console')

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

type Page = {
  /** Relative to the folder. */
  file: string
  /** What the page's policy allows in addition to the common one. */
  allows?: { directive: 'connect-src' | 'frame-ancestors' | 'img-src'; source: string }
}

const pages = new Map<string, Page>([
  // The PDF preview is a frame that inherits this policy, and WebKit enforces it on the frame.
  ['/', { file: 'index.html', allows: { directive: 'frame-ancestors', source: "'self'" } }],
  // Uppy 6 uses `data:` URLs for multipart uploads. See docs/uppy.md.
  ['/console/uppy', { file: join('uppy', 'index.html'), allows: { directive: 'connect-src', source: 'data:' } }],
  // Its style sheet embeds images.
  ['/docs', { file: join('docs', 'index.html'), allows: { directive: 'img-src', source: 'data:' } }],
])

/** One segment without a leading dot or a separator, so a request cannot name a file outside the folder. */
const assetPath = /^\/assets\/([A-Za-z0-9_-][A-Za-z0-9._-]*)$/

/** Whether the path names a page or an asset, whether or not it exists. */
export const isPage = (path: string): boolean => pages.has(path) || assetPath.test(path)

type Asset = { plain: Buffer; gzipped: Buffer }

/**
 * Answers GET and HEAD for the pages and for `/assets/<name>`. Other paths go to the next middleware. Asset names
 * contain a hash of the content, so browsers may cache them for good. Pages are revalidated.
 */
export function serveConsole(folder: string = builtPage): Middleware {
  const assets = new Map<string, Promise<Asset>>()

  const asset = (name: string): Promise<Asset> => {
    const known = assets.get(name)
    if (known) return known
    const read = readFile(join(folder, 'assets', name)).then(async (plain) => ({
      plain,
      gzipped: await compress(plain),
    }))
    // Do not cache a missing file, because the console may be built while the server runs.
    read.catch(() => assets.delete(name))
    assets.set(name, read)
    return read
  }

  return async (ctx, next) => {
    const [path = ''] = (ctx.req.url ?? '').split('?', 1)
    const name = assetPath.exec(path)?.[1]
    const page = pages.get(path)
    if ((ctx.method !== 'GET' && ctx.method !== 'HEAD') || (!page && name === undefined)) return next()
    if (page) return sendPage(ctx, folder, page)
    if (name === undefined) return next()
    const type = types[extname(name)]
    const found = type === undefined ? null : await asset(name).catch(orAbsent)
    if (!found || type === undefined) return next()
    ctx.type = type
    ctx.set('cache-control', 'public, max-age=31536000, immutable')
    ctx.set('vary', 'Accept-Encoding')
    const zipped = ctx.acceptsEncodings('gzip', 'identity') === 'gzip'
    if (zipped) ctx.set('content-encoding', 'gzip')
    ctx.body = zipped ? found.gzipped : found.plain
  }
}

async function sendPage(ctx: Context, folder: string, { file, allows }: Page): Promise<void> {
  const page = await readFile(join(folder, file)).catch(orAbsent)
  ctx.set('cache-control', 'no-cache')
  if (!page) {
    ctx.status = 503
    ctx.type = 'text/plain; charset=utf-8'
    ctx.body = 'The console has not been built. Run `npm run build:console`, then reload this page.\n'
    return
  }
  const policy = ctx.response.headers['content-security-policy']
  if (allows && typeof policy === 'string') {
    const directive = new RegExp(`${allows.directive} [^;]*`)
    ctx.set(
      'content-security-policy',
      policy.replace(directive, (found) => `${found.replace(" 'none'", '')} ${allows.source}`),
    )
  }
  ctx.type = 'text/html; charset=utf-8'
  ctx.etag = createHash('sha256').update(page).digest('base64url')
  ctx.status = 200
  if (ctx.fresh) ctx.status = 304
  else ctx.body = page
}

function orAbsent(error: unknown): null {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return null
  throw error
}
