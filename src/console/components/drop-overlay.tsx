import { Ban } from 'lucide-react'
import { dropWords } from '../drop-words.ts'
import type { DraggedItem, UploadLimits } from '../drop-words.ts'
import { Mark } from './mark.tsx'

/** While something is dragged over the window: what will happen when it is let go. */
export function DropOverlay({ items, limits }: { items: readonly DraggedItem[]; limits: UploadLimits | null }) {
  const { invitation, refusals } = dropWords(items, limits)
  return (
    <div className={`drop-overlay ${refusals.length > 0 ? 'refuses' : ''}`} role="status">
      <div>
        <Mark />
        <p>{invitation}</p>
        {refusals.map((refusal) => (
          <p key={refusal} className="drop-refusal">
            <Ban /> {refusal}
          </p>
        ))}
      </div>
    </div>
  )
}
