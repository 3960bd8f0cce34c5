/** Who is signed in: a bearer token kept for this tab only, or nobody where the server asks for no token. */
import { Store } from './store.ts'

const storageKey = 'postern.token'

type Session = {
  token: string | null
  /** The server answered 401: the page asks for a token. `reason` is what it said about the one that was sent. */
  signInNeeded: boolean
  reason: string | null
  /** Whether `postern token` on the server makes a token that is accepted. */
  ownTokens: boolean
}

const remembered = (): string | null => {
  try {
    return sessionStorage.getItem(storageKey)
  } catch {
    return null // storage is switched off: the token lives as long as the page
  }
}

export const session = new Store<Session>({ token: remembered(), signInNeeded: false, reason: null, ownTokens: false })

export function signIn(token: string): void {
  try {
    sessionStorage.setItem(storageKey, token)
  } catch {
    // see remembered()
  }
  session.set({ token, signInNeeded: false, reason: null })
}

export function signOut(): void {
  try {
    sessionStorage.removeItem(storageKey)
  } catch {
    // see remembered()
  }
  session.set({ token: null, signInNeeded: true, reason: null })
}

/** `ownTokens` stays as it was where the caller does not know. */
export function signInNeeded(reason: string, ownTokens = session.get().ownTokens): void {
  const hadToken = session.get().token !== null
  session.set({ signInNeeded: true, reason: hadToken ? reason : null, ownTokens })
}

/** `sub` of a token, for display only: nothing is decided by it. */
export function subjectOf(token: string): string | null {
  const payload = token.split('.')[1]
  if (!payload) return null
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
    const { sub } = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown }
    return typeof sub === 'string' ? sub : null
  } catch {
    return null
  }
}
