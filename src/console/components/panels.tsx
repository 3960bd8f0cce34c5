/** Everything that is not the list: empty, error, sign-in, keys, the drop overlay, messages. */
import { useState } from 'react'
import type { SubmitEvent } from 'react'
import { ApiError, getUsage } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { undoSeconds } from '../file-store.ts'
import { displayName, plural } from '../format.ts'
import { session, signIn } from '../session.ts'
import { useStore } from '../store.ts'
import type { Toasts } from '../toasts.ts'
import { Dialog, DialogHead, IconButton } from './basics.tsx'
import { Icon, Mark } from './icons.tsx'
import { Snippets } from './snippets.tsx'

export const Empty = ({ onUpload }: { onUpload: () => void }) => (
  <div className="empty">
    <section className="drop-target">
      <Mark />
      <h2>No files yet</h2>
      <p className="for-mouse">Drop files anywhere on this page, paste them, or choose some.</p>
      <p className="for-touch">Choose photos, videos or documents from this device.</p>
      <button type="button" className="button primary" onClick={onUpload}>
        <Icon name="upload" /> Choose files
      </button>
    </section>
    <section className="from-code">
      <h2>Or from code</h2>
      <p className="quiet">Ask for a URL, send the bytes straight to it, confirm.</p>
      <Snippets />
    </section>
  </div>
)

/** Asks for a token and tries it before it is kept. */
export function SignIn() {
  const { reason } = useStore(session)
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<string | null>(null)
  const submit = async (e: SubmitEvent<HTMLFormElement>): Promise<void> => {
    e.preventDefault()
    const trimmed = token.trim().replace(/^Bearer\s+/i, '')
    if (!trimmed) return setRefusal('Paste a token first.')
    if (/[^\x21-\x7e]/.test(trimmed))
      return setRefusal('This is no token: it holds spaces or letters that no token has.')
    setBusy(true)
    setRefusal(null)
    try {
      await getUsage(trimmed)
      signIn(trimmed)
    } catch (error) {
      setRefusal(error instanceof ApiError ? error.message : 'The token could not be checked.')
      setBusy(false)
    }
  }
  const said = refusal ?? reason
  return (
    <main className="sign-in">
      <form onSubmit={(e) => void submit(e)}>
        <Mark />
        <h1>Sign in to Postern</h1>
        <p className="quiet">
          This server answers only who it knows. Paste an access token; it is kept in this tab alone.
        </p>
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
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? 'Checking' : 'Sign in'}
        </button>
        <p className="quiet">
          On the server, this prints one: <code>npm run --silent postern token -- --sub alice</code>
        </p>
      </form>
    </main>
  )
}

const keys: [string, string][] = [
  ['u', 'Choose files to upload'],
  ['Ctrl V', 'Upload what was copied'],
  ['/', 'Search'],
  ['↑ ↓', 'Move in the list'],
  ['Enter', 'Show the file'],
  ['d', 'Download'],
  ['l', 'Copy a link'],
  ['Delete', 'Delete'],
  ['Ctrl Z', 'Undo a delete'],
  ['?', 'This list'],
]

export const KeysDialog = ({ onClose }: { onClose: () => void }) => (
  <Dialog label="Keys" className="sheet" onClose={onClose}>
    <DialogHead onClose={onClose}>Keys</DialogHead>
    <dl className="keys">
      {keys.map(([key, does]) => (
        <div key={key}>
          <dt>
            {key.split(' ').map((k) => (
              <kbd key={k}>{k}</kbd>
            ))}
          </dt>
          <dd>{does}</dd>
        </div>
      ))}
    </dl>
  </Dialog>
)

/** `count` is 0 where the browser does not tell how many come. */
export const DropOverlay = ({ count }: { count: number }) => (
  <div className="drop-overlay" aria-hidden="true">
    <div>
      <Mark />
      <p>{count > 0 ? `Drop ${plural(count, 'item')} to upload` : 'Drop to upload'}</p>
    </div>
  </div>
)

export const UndoBar = ({ deleting, onUndo }: { deleting: readonly FileRecord[]; onUndo: () => void }) => {
  const [first] = deleting
  if (!first) return null
  return (
    // A new key starts the countdown anew with each delete.
    <div className="toast undo" key={deleting.length}>
      <span className="toast-text">
        Deleted {deleting.length === 1 ? <bdi>{displayName(first.filename)}</bdi> : plural(deleting.length, 'file')}
      </span>
      <button type="button" className="text-button" onClick={onUndo}>
        Undo
      </button>
      <span className="countdown" style={{ animationDuration: `${undoSeconds}s` }} />
    </div>
  )
}

export function ToastStack({
  toasts,
  deleting,
  onUndo,
}: {
  toasts: Toasts
  deleting: readonly FileRecord[]
  onUndo: () => void
}) {
  const state = useStore(toasts)
  return (
    <div className="toasts">
      <div role="alert">
        {state.toasts
          .filter((t) => t.tone === 'bad')
          .map((t) => (
            <div key={t.id} className="toast bad">
              <Icon name="alert" />
              <span className="toast-text">{t.text}</span>
              <IconButton icon="close" label="Close this message" onClick={() => toasts.dismiss(t.id)} />
            </div>
          ))}
      </div>
      <div role="status">
        {state.toasts
          .filter((t) => t.tone === 'plain')
          .map((t) => (
            <div key={t.id} className="toast">
              <span className="toast-text">{t.text}</span>
            </div>
          ))}
        <UndoBar deleting={deleting} onUndo={onUndo} />
      </div>
    </div>
  )
}
