import { Ban } from 'lucide-react'
import { describeDrop } from '../describe-drop.ts'
import type { DraggedItem, UploadLimits } from '../describe-drop.ts'
import { Mark } from './mark.tsx'

/** Shown while something is dragged over the window. Says what a drop would do. */
export function DropOverlay({ items, limits }: { items: readonly DraggedItem[]; limits: UploadLimits | null }) {
  const { invitation, refusals } = describeDrop(items, limits)
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
