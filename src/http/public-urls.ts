/** The public URLs of the two apps: from the configuration, or the addresses they listen on. */
import type { Config } from '../config/config.ts'

/** The path of the objects endpoint if both apps share one port. */
const sharedPrefix = '/objects'

export type PublicUrls = {
  api(): string
  objects(): string
  /** The URLs of the listeners, null until they are bound. */
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

/** `bound` is the URL of the objects listener or of the shared one. */
export function objectsBaseUrl(config: Config, bound: string | null): string {
  const { listen, publicUrl } = config.objects
  if (listen === 'shared') return baseUrl(publicUrl, (bound ?? listenUrl(config.server.listen)) + sharedPrefix)
  return baseUrl(publicUrl, bound ?? listenUrl(listen))
}

/** The path of a URL without a trailing slash. Called for every request, and constant once the listeners are bound. */
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
