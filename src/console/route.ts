/** Where in the console one is: the URL's hash, so that every state worth sharing is a link. */
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
    return segment // written by hand
  }
}

const current = (): Route => {
  if (known.hash !== location.hash) known = { hash: location.hash, route: read(location.hash) }
  return known.route
}

const told = new Set<() => void>()
const tell = (): void => {
  for (const listener of told) listener()
}

function subscribe(listener: () => void): () => void {
  if (told.size === 0) addEventListener('hashchange', tell)
  told.add(listener)
  return () => {
    told.delete(listener)
    if (told.size === 0) removeEventListener('hashchange', tell)
  }
}

export const useRoute = (): Route => useSyncExternalStore(subscribe, current)

/** `hash` begins with `#/`. `replace` leaves no step to go back to. */
export function navigate(hash: string, o: { replace?: boolean } = {}): void {
  if (hash === (location.hash || '#/')) return
  if (o.replace) history.replaceState(history.state, '', hash)
  else history.pushState(null, '', hash)
  tell()
}

export const fileHash = (id: string, q = ''): string => `#/files/${encodeURIComponent(id)}${search(q)}`
export const filesHash = (q = ''): string => `#/files${search(q)}`
const search = (q: string): string => (q ? `?${new URLSearchParams({ q })}` : '')
