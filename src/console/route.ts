/** The current view, kept in the URL's hash so that every state can be shared as a link. */
import { useSyncExternalStore } from 'react'

export const viewNames = { files: 'Files', uploads: 'Uploads', log: 'Log', settings: 'Settings' } as const
export type View = keyof typeof viewNames
export const views = Object.keys(viewNames) as View[]

/** `#/log/abc?method=PUT` is the view `log`, rest `['abc']`, query `method=PUT`. */
export type Route = { view: View; rest: string[]; query: URLSearchParams }

let known = { hash: '\0', route: read('') }

export function read(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [first = '', ...rest] = path.split('/').filter(Boolean).map(decoded)
  const view = views.find((v) => v === first)
  return { view: view ?? 'files', rest: view ? rest : [], query: new URLSearchParams(query) }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment // typed by hand, not valid percent-encoding
  }
}

const current = (): Route => {
  if (known.hash !== location.hash) known = { hash: location.hash, route: read(location.hash) }
  return known.route
}

const listeners = new Set<() => void>()
const notify = (): void => {
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) addEventListener('hashchange', notify)
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) removeEventListener('hashchange', notify)
  }
}

export const useRoute = (): Route => useSyncExternalStore(subscribe, current)

/** `hash` starts with `#/`. `replace` adds no history entry. */
export function navigate(hash: string, o: { replace?: boolean } = {}): void {
  if (hash === (location.hash || '#/')) return
  if (o.replace) history.replaceState(history.state, '', hash)
  else history.pushState(null, '', hash)
  notify()
}

export const fileHash = (id: string, q = ''): string => `#/files/${encodeURIComponent(id)}${search(q)}`
export const filesHash = (q = ''): string => `#/files${search(q)}`
const search = (q: string): string => (q ? `?${new URLSearchParams({ q })}` : '')
