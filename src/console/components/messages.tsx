import { TriangleAlert, Undo2, X } from 'lucide-react'
import type { FileRecord } from '../api.ts'
import { deletes, undoDeletes, undoSeconds } from '../files/deletes.ts'
import { displayName, plural } from '../format.ts'
import { useStore } from '../store.ts'
import { toasts } from '../toasts.ts'
import { IconButton } from './basics.tsx'

const UndoBar = ({ deleting }: { deleting: readonly FileRecord[] }) => {
  const [first] = deleting
  if (!first) return null
  return (
    // A new key starts the countdown anew with each delete.
    <div className="toast undo" key={deleting.length}>
      <span className="toast-text">
        Deleted {deleting.length === 1 ? <bdi>{displayName(first.filename)}</bdi> : plural(deleting.length, 'file')}
      </span>
      <button type="button" className="text-button" onClick={undoDeletes}>
        <Undo2 /> Undo
      </button>
      <span className="countdown" style={{ animationDuration: `${undoSeconds}s` }} />
    </div>
  )
}

/** Errors are said at once, results when there is a pause. */
export function Messages() {
  const { toasts: all } = useStore(toasts)
  const { deleting } = useStore(deletes)
  return (
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
        <UndoBar deleting={deleting} />
      </div>
    </div>
  )
}
