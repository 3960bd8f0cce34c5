import { useEffect, useState } from 'react'
import type { KeyboardEvent } from 'react'
import type { FileRecord } from '../api.ts'
import { formatAgo, formatBytes, formatMoment, formatType } from '../format.ts'
import { FileName, IconButton } from './basics.tsx'
import { Thumbnail } from './thumbnail.tsx'

export type FileActions = {
  show: (file: FileRecord) => void
  download: (file: FileRecord) => void
  copyLink: (file: FileRecord) => void
  remove: (file: FileRecord) => void
}

/** One clock for the whole list, ticking each half minute. */
function useNow(): Date {
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 30_000)
    return () => clearInterval(timer)
  }, [])
  return now
}

const rowButtons = (): HTMLButtonElement[] => Array.from(document.querySelectorAll<HTMLButtonElement>('.file-open'))

/** Focuses the row that takes the place of one that goes. */
export function focusNeighbour(id: string): void {
  const rows = rowButtons()
  const i = rows.findIndex((row) => row.closest('li')?.dataset['id'] === id)
  if (i >= 0) (rows[i + 1] ?? rows[i - 1])?.focus()
}

/** Moves the focus among the rows; called with any key pressed inside the list. */
function moveFocus(e: KeyboardEvent): void {
  const rows = rowButtons()
  const here = rows.findIndex((row) => row.closest('li')?.contains(e.target as Node))
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }[e.key]
  if (to === undefined) return
  e.preventDefault()
  rows[Math.min(rows.length - 1, Math.max(0, to))]?.focus()
}

export function FileList({ files, actions }: { files: readonly FileRecord[]; actions: FileActions }) {
  const now = useNow()
  return (
    <div className="files">
      <div className="files-head" aria-hidden="true">
        <span>Name</span>
        <span className="file-type">Type</span>
        <span className="file-size">Size</span>
        <span className="file-date">Added</span>
      </div>
      <ul onKeyDown={moveFocus} aria-label="Files">
        {files.map((file) => (
          <Row key={file.id} file={file} now={now} actions={actions} />
        ))}
      </ul>
    </div>
  )
}

function Row({ file, now, actions }: { file: FileRecord; now: Date; actions: FileActions }) {
  const pending = file.status === 'pending'
  const size = file.size === null ? '–' : formatBytes(file.size)
  const added = formatAgo(file.confirmedAt ?? file.createdAt, now)
  const onKeyDown = (e: KeyboardEvent<HTMLLIElement>): void => {
    if (e.ctrlKey || e.metaKey || e.altKey) return
    if (e.key === 'Delete' || (e.key === 'Backspace' && e.shiftKey)) actions.remove(file)
    else if (e.key === 'l' && !pending) actions.copyLink(file)
    else if (e.key === 'd' && !pending) actions.download(file)
    else return
    e.preventDefault()
  }
  return (
    <li className={`file ${pending ? 'pending' : ''}`} data-id={file.id} onKeyDown={onKeyDown}>
      <button type="button" className="file-open" aria-haspopup="dialog" onClick={() => actions.show(file)}>
        <Thumbnail file={file} />
        <span className="file-words">
          <FileName name={file.filename} />
          {file.visibility === 'public' && <span className="badge">public</span>}
          {pending && <span className="badge warn">not finished</span>}
          <span className="file-line">
            {size} · {added}
          </span>
        </span>
      </button>
      <span className="file-type">{formatType(file.mimeType)}</span>
      <span className="file-size">{size}</span>
      <time className="file-date" dateTime={file.createdAt} title={formatMoment(file.createdAt)}>
        {added}
      </time>
      <span className="file-actions">
        {!pending && (
          <>
            <IconButton icon="download" label={`Download ${file.filename}`} onClick={() => actions.download(file)} />
            <IconButton icon="link" label={`Copy link to ${file.filename}`} onClick={() => actions.copyLink(file)} />
          </>
        )}
        <IconButton
          icon="trash"
          className="danger"
          label={`Delete ${file.filename}`}
          onClick={() => actions.remove(file)}
        />
      </span>
    </li>
  )
}

/** Rows of the right height while the first page is on its way. */
export const FileListSkeleton = () => (
  <div className="files skeleton" role="status" aria-label="Loading files">
    {[62, 48, 71, 39, 55].map((width) => (
      <div key={width} className="file">
        <span className="thumbnail" />
        <span className="skeleton-line" style={{ width: `${width}%` }} />
      </div>
    ))}
  </div>
)
