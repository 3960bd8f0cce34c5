import { ChevronLeft, ChevronRight, Info } from 'lucide-react'
import type { KeyboardEvent } from 'react'
import type { FileRecord } from '../api.ts'
import { Button, FileName, IconButton } from '../components/basics.tsx'
import { Dialog, DialogHead } from '../components/dialog.tsx'
import { formatBytes, formatType } from '../format.ts'
import { Preview } from './preview.tsx'

type Props = {
  file: FileRecord
  /** null at either end of the list. */
  before: FileRecord | null
  after: FileRecord | null
  onMove: (file: FileRecord) => void
  onShow: () => void
  onClose: () => void
}

/** A large preview. Space or Escape closes it, arrow keys show the previous or next file. */
export function QuickLook({ file, before, after, onMove, onShow, onClose }: Props) {
  const onKeyDown = (e: KeyboardEvent): void => {
    // Players, text and buttons handle these keys themselves.
    const isOwn = e.target instanceof Element && e.target.closest('video, audio, pre, button') !== null
    const to = e.key === 'ArrowLeft' || e.key === 'ArrowUp' ? before : after
    if (e.key === ' ' && !isOwn) onClose()
    else if (e.key.startsWith('Arrow') && !(isOwn && !(e.target instanceof HTMLButtonElement)) && to) onMove(to)
    else return
    e.preventDefault()
  }
  return (
    <Dialog label={`Preview of ${file.filename}`} className="quick-look" onClose={onClose}>
      <div className="quick-look-body" tabIndex={-1} autoFocus onKeyDown={onKeyDown}>
        <DialogHead onClose={onClose}>
          <FileName name={file.filename} />
        </DialogHead>
        <div className="quick-look-stage" key={file.id}>
          <Preview file={file} />
        </div>
        <footer>
          <IconButton
            icon={ChevronLeft}
            label={before ? `Previous: ${before.filename}` : 'First file'}
            onClick={() => before && onMove(before)}
          />
          <div>
            <span className="quiet">
              {formatType(file.mimeType)} · {formatBytes(file.size ?? 0)}
            </span>
            <Button icon={Info} onClick={onShow}>
              Details
            </Button>
          </div>
          <IconButton
            icon={ChevronRight}
            label={after ? `Next: ${after.filename}` : 'Last file'}
            onClick={() => after && onMove(after)}
          />
        </footer>
      </div>
    </Dialog>
  )
}
