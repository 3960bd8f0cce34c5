/** Under which URLs the two apps are reached: those of the configuration, else what was bound. */
import type { Config } from '../config/config.ts'

/** Where the objects endpoint lies on a port that both apps share. */
const sharedPrefix = '/objects'

export type PublicUrls = {
  api(): string
  objects(): string
  /** What the listeners were bound to, once they are. */
  bound: { api: string | null; objects: string | null }
}

export function publicUrls(config: Config): PublicUrls {
  const bound: PublicUrls['bound'] = { api: null, objects: null }
  const api = (): string => baseUrl(config.server.publicUrl, bound.api ?? listenUrl(config.server.listen))
  return {
    bound,
    api,
    objects: () => objectsBaseUrl(config, config.objects.listen === 'shared' ? api() : bound.objects),
  }
}

/** `bound`: what the objects listener, or the shared one, was bound to. */
export function objectsBaseUrl(config: Config, bound: string | null): string {
  const { listen, publicUrl } = config.objects
  if (listen === 'shared') return baseUrl(publicUrl, (bound ?? listenUrl(config.server.listen)) + sharedPrefix)
  return baseUrl(publicUrl, bound ?? listenUrl(listen))
}

/** The path of a URL without a slash at its end; asked by every request, and the same until the listeners are bound. */
export function createPathPrefix(url: () => string): () => string {
  let last = { url: '', path: '' }
  return () => {
    const now = url()
    if (now !== last.url) last = { url: now, path: new URL(now).pathname.replace(/\/$/, '') }
    return last.path
  }
}

const baseUrl = (configured: string, actual: string): string =>
  (configured === 'auto' ? actual : configured).replace(/\/+$/, '')

function listenUrl({ host, port }: { host: string; port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
