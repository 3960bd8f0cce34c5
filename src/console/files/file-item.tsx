import { Download, Globe, Link, Lock, Trash2 } from 'lucide-react'
import { memo } from 'react'
import type { CSSProperties } from 'react'
import type { FileRecord } from '../api.ts'
import { FileName, IconButton } from '../components/basics.tsx'
import { formatAgo, formatBytes, formatMoment, formatType } from '../format.ts'
import { folderOf } from '../relative-path.ts'
import type { FileActions } from './file-actions.ts'
import { Thumbnail } from './thumbnail.tsx'

export type ItemProps = {
  file: FileRecord
  now: Date
  /** Whether Tab reaches this item. Arrow keys reach the others. */
  active: boolean
  index: number
  count: number
  /** `top` and `height` in pixels from the start of the list. `start` and `width` as fractions of its width. */
  place: { top: number; height: number; start: string; width: string }
  actions: FileActions
}

export const FileItem = memo(function FileItem({ file, now, active, index, count, place, actions }: ItemProps) {
  const size = file.size === null ? '–' : formatBytes(file.size)
  const added = formatAgo(file.confirmedAt ?? file.createdAt, now)
  const folder = folderOf(file)
  const isPublic = file.visibility === 'public'
  const tab = { tabIndex: active ? 0 : -1 }
  const style: CSSProperties = {
    transform: `translateY(${place.top}px)`,
    height: place.height,
    insetInlineStart: place.start,
    width: place.width,
  }
  return (
    <li
      className="file"
      data-id={file.id}
      data-index={index}
      aria-setsize={count}
      aria-posinset={index + 1}
      style={style}
    >
      <button
        type="button"
        className="file-open"
        aria-haspopup="dialog"
        aria-keyshortcuts="Enter Space l d Delete"
        {...tab}
        onClick={() => actions.show(file)}
      >
        <Thumbnail file={file} />
        <span className="file-words">
          <FileName name={file.filename} folder={folder} />
          <span className="file-line">
            {size} · {added}
            {folder && (
              <>
                {' · '}
                <bdi>{folder}</bdi>
              </>
            )}
          </span>
        </span>
      </button>
      <span
        className="file-access"
        title={isPublic ? 'Anyone with its URL can read it' : 'Only you and people with an active link'}
      >
        {isPublic ? <Globe /> : <Lock />}
        <span>{isPublic ? 'public' : 'private'}</span>
      </span>
      <span className="file-type">{formatType(file.mimeType)}</span>
      <span className="file-size">{size}</span>
      <time className="file-date" dateTime={file.createdAt} title={formatMoment(file.createdAt)}>
        {added}
      </time>
      <span className="file-actions">
        <IconButton
          icon={Download}
          label={`Download ${file.filename}`}
          {...tab}
          onClick={() => actions.download(file)}
        />
        <IconButton
          icon={Link}
          label={`Copy link to ${file.filename}`}
          {...tab}
          onClick={() => actions.copyLink(file)}
        />
        <IconButton
          icon={Trash2}
          tone="danger"
          label={`Delete ${file.filename}`}
          {...tab}
          onClick={() => actions.remove(file)}
        />
      </span>
    </li>
  )
})
