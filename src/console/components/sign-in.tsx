import { useState } from 'react'
import type { SubmitEvent } from 'react'
import { ApiError, getUsage } from '../api.ts'
import { session, signIn } from '../session.ts'
import { useStore } from '../store.ts'
import { Button } from './basics.tsx'
import { Mark } from './mark.tsx'

/** Asks for a token and checks it with the server before keeping it. */
export function SignIn() {
  const { reason, ownTokens } = useStore(session)
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<string | null>(null)
  const submit = async (e: SubmitEvent<HTMLFormElement>): Promise<void> => {
    e.preventDefault()
    const trimmed = token.trim().replace(/^Bearer\s+/i, '')
    if (!trimmed) return setRefusal('Paste a token first.')
    if (/[^\x21-\x7e]/.test(trimmed))
      return setRefusal('This is not a token. Tokens contain no spaces or special characters.')
    setBusy(true)
    setRefusal(null)
    try {
      await getUsage(trimmed)
      signIn(trimmed)
    } catch (error) {
      setRefusal(error instanceof ApiError ? error.message : 'Could not check the token.')
      setBusy(false)
    }
  }
  const said = refusal ?? reason
  return (
    <main className="sign-in">
      <form onSubmit={(e) => void submit(e)}>
        <Mark />
        <h1>Sign in to Postern</h1>
        <p className="quiet">Sign in to continue. Paste an access token. It is kept in this tab only.</p>
        <label htmlFor="token">Access token</label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          value={token}
          aria-invalid={said !== null}
          aria-describedby="token-said"
          onChange={(e) => setToken(e.target.value)}
        />
        <p id="token-said" className="form-error" role="alert">
          {said}
        </p>
        <Button type="submit" tone="primary" disabled={busy}>
          {busy ? 'Checking' : 'Sign in'}
        </Button>
        {ownTokens && (
          <p className="quiet">
            To create one, run this on the server: <code>npm run --silent postern token -- --sub alice</code>
          </p>
        )}
      </form>
    </main>
  )
}
