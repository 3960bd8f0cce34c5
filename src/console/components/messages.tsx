import { TriangleAlert, Undo2, X } from 'lucide-react'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { createPortal } from 'react-dom'
import { deletes, undoDeletes } from '../files/deletes.ts'
import { displayName, plural } from '../format.ts'
import { undoSeconds } from '../later.ts'
import { revocations, undoRevocations } from '../links/revocations.ts'
import { useStore } from '../store.ts'
import { toasts } from '../toasts.ts'
import { IconButton } from './basics.tsx'
import { openDialogs } from './dialog.tsx'

/** `at` is the time the undo period started, on the page's clock (`performance.now()`). */
function UndoBar({ at, onUndo, children }: { at: number; onUndo: () => void; children: ReactNode }) {
  // Opening a dialog moves the bar and mounts it again, so the countdown starts at the time already elapsed.
  const [gone] = useState(() => Math.round(performance.now() - at))
  const countdown = { animationDuration: `${undoSeconds}s`, animationDelay: `-${gone}ms` }
  return (
    <div className="toast undo">
      <span className="toast-text">{children}</span>
      <button type="button" className="text-button" onClick={onUndo}>
        <Undo2 /> Undo
      </button>
      <span className="countdown" style={countdown} />
    </div>
  )
}

function Undoable() {
  const files = useStore(deletes)
  const links = useStore(revocations)
  const [file] = files.waiting
  const [link] = links.waiting
  return (
    <>
      {file && (
        // A new key restarts the countdown with each delete.
        <UndoBar key={`files ${files.at}`} at={files.at} onUndo={undoDeletes}>
          Deleted{' '}
          {files.waiting.length === 1 ? <bdi>{displayName(file.filename)}</bdi> : plural(files.waiting.length, 'file')}
        </UndoBar>
      )}
      {link && (
        <UndoBar key={`links ${links.at}`} at={links.at} onUndo={undoRevocations}>
          Revoking {links.waiting.length === 1 ? 'a link to ' : plural(links.waiting.length, 'link')}
          {links.waiting.length === 1 && <bdi>{displayName(link.filename)}</bdi>}
        </UndoBar>
      )}
    </>
  )
}

/**
 * Announces errors at once and results politely. Renders into the topmost dialog, because the rest of the page is
 * inert.
 */
export function Messages() {
  const { toasts: all } = useStore(toasts)
  const dialog = useStore(openDialogs).dialogs.at(-1)
  const messages = (
    <div className="toasts">
      <div role="alert">
        {all
          .filter((t) => t.tone === 'bad')
          .map((t) => (
            <div key={t.id} className="toast bad">
              <TriangleAlert />
              <span className="toast-text">{t.text}</span>
              <IconButton icon={X} label="Close this message" onClick={() => toasts.dismiss(t.id)} />
            </div>
          ))}
      </div>
      <div role="status">
        {all
          .filter((t) => t.tone === 'plain')
          .map((t) => (
            <div key={t.id} className="toast">
              <span className="toast-text">{t.text}</span>
            </div>
          ))}
        <Undoable />
      </div>
    </div>
  )
  return dialog ? createPortal(<div className="below">{messages}</div>, dialog) : messages
}
