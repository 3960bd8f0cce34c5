/** The signed-in user. A bearer token is kept for this tab only. null if the server needs no token. */
import { Store } from './store.ts'

const storageKey = 'postern.token'

type Session = {
  token: string | null
  /**
   * The server responded with 401, so the page asks for a token. `reason` is the server's message about the last
   * token.
   */
  signInNeeded: boolean
  reason: string | null
  /** Whether `postern token` on the server creates accepted tokens. */
  ownTokens: boolean
}

const remembered = (): string | null => {
  try {
    return sessionStorage.getItem(storageKey)
  } catch {
    return null // storage is disabled, so the token is lost when the page is closed
  }
}

export const session = new Store<Session>({ token: remembered(), signInNeeded: false, reason: null, ownTokens: false })

export function signIn(token: string): void {
  try {
    sessionStorage.setItem(storageKey, token)
  } catch {
    // Storage is disabled. See remembered().
  }
  session.set({ token, signInNeeded: false, reason: null })
}

export function signOut(): void {
  try {
    sessionStorage.removeItem(storageKey)
  } catch {
    // Storage is disabled. See remembered().
  }
  session.set({ token: null, signInNeeded: true, reason: null })
}

/** Without `ownTokens` the previous value is kept. */
export function signInNeeded(reason: string, ownTokens = session.get().ownTokens): void {
  const hadToken = session.get().token !== null
  session.set({ signInNeeded: true, reason: hadToken ? reason : null, ownTokens })
}

/** The `sub` claim of a token, for display only. Not verified. */
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
