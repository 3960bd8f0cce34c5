import { Check, CircleAlert, FolderOpen, Pause, Play, RotateCw, X } from 'lucide-react'
import { memo, useRef } from 'react'
import type { UploadItem } from '../../react/upload-list.ts'
import { Bar, FileName, IconButton } from '../components/basics.tsx'
import { TypeIcon } from '../components/type-icon.tsx'
import { folderOfUpload, uploads } from '../uploads.ts'
import { PartMap } from './part-map.tsx'
import { canPause, detail, isBusy, isSettled, stateInWords } from './describe-transfer.ts'

type Props = { item: UploadItem; top: number; index: number; count: number }

/** One upload: its name, state, progress or part map, and actions. */
export const TransferRow = memo(
  function TransferRow({ item, top, index, count }: Props) {
    const { id, name, state, progress, error } = item
    return (
      <li
        className="transfer"
        data-state={state}
        data-index={index}
        aria-setsize={count}
        aria-posinset={index + 1}
        style={{ transform: `translateY(${top}px)` }}
      >
        {state === 'success' ? (
          <Check />
        ) : state === 'error' ? (
          <CircleAlert />
        ) : (
          <TypeIcon mimeType={item.file?.type ?? ''} />
        )}
        <div className="transfer-words">
          <FileName name={name} folder={folderOfUpload(item.file)} />
          <p className="transfer-state">
            <b>{stateInWords(item)}</b>
            <span className="quiet">{detail(item)}</span>
          </p>
        </div>
        <Progress item={item} />
        <span className="transfer-percent">{isSettled(item) ? '' : `${progress.percent} %`}</span>
        <span className="transfer-actions">
          {canPause(item) && <IconButton icon={Pause} label={`Pause ${name}`} onClick={() => uploads.pause(id)} />}
          {state === 'paused' && <IconButton icon={Play} label={`Resume ${name}`} onClick={() => uploads.resume(id)} />}
          {state === 'needs-file' && <ChooseAgain item={item} />}
          {error?.retryable && state === 'error' && (
            <IconButton icon={RotateCw} label={`Retry ${name}`} onClick={() => uploads.retry(id)} />
          )}
          {isSettled(item) ? (
            <IconButton icon={X} label={`Remove ${name} from this list`} onClick={() => uploads.remove(id)} />
          ) : (
            <IconButton icon={X} tone="danger" label={`Cancel ${name}`} onClick={() => uploads.cancel(id)} />
          )}
        </span>
      </li>
    )
  },
  (was, now) => was.item === now.item && was.top === now.top && was.index === now.index && was.count === now.count,
)

function Progress({ item }: { item: UploadItem }) {
  const { name, progress, state, size } = item
  if (isSettled(item)) return <div className="transfer-progress" />
  const fraction = size === 0 ? 0 : progress.loaded / size
  return (
    <div className="transfer-progress">
      {progress.part && <PartMap name={name} part={progress.part} moving={isBusy(item)} />}
      {/* The strip is decorative. This bar conveys the progress to screen readers. */}
      <div className={progress.part ? 'visually-hidden' : undefined}>
        <Bar fraction={fraction} label={`Upload of ${name}`} tone={state === 'paused' ? 'quiet' : 'accent'} />
      </div>
    </div>
  )
}

function ChooseAgain({ item: { id, name } }: { item: UploadItem }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <IconButton icon={FolderOpen} label={`Choose ${name} again`} onClick={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        hidden
        aria-label={`${name}, to resume the upload`}
        onChange={({ target }) => {
          const [file] = target.files ?? []
          if (file) uploads.resume(id, file)
          target.value = ''
        }}
      />
    </>
  )
}
