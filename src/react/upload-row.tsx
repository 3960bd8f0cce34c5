import { type ReactNode, useEffect, useRef } from 'react'
import type { Strings } from './strings.ts'
import type { UploadItem } from './upload-list.ts'
import type { Uploads } from './use-upload.ts'

type Props = { item: UploadItem; words: Strings; uploads: Uploads }

const isOver = ({ state }: UploadItem): boolean => state === 'success' || state === 'canceled' || state === 'error'

/** One upload: its preview, name, state, progress and actions. */
export function UploadRow({ item, words, uploads }: Props): ReactNode {
  const { id, name, state, progress, error } = item
  const button = (label: string, sign: string, act: () => void): ReactNode => (
    <button type="button" aria-label={label} title={label} onClick={act}>
      {sign}
    </button>
  )
  const canPause = !isOver(item) && state !== 'paused' && state !== 'needs-file' && state !== 'confirming'
  return (
    <li className="postern-item" data-state={state}>
      <Preview file={item.file} />
      <span className="postern-name" title={name}>
        <bdi>{name}</bdi>
      </span>
      <span className="postern-state">
        {words.states[state]} · {words.detail(item)}
      </span>
      {!isOver(item) && (
        <div
          className="postern-progress"
          role="progressbar"
          aria-label={words.progressOf(name)}
          aria-valuenow={progress.percent}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuetext={`${words.states[state]}, ${progress.percent}%`}
        >
          <i style={{ width: `${progress.percent}%` }} />
        </div>
      )}
      {error && <span className="postern-error">{error.message}</span>}
      <span className="postern-actions">
        {canPause && button(words.pause(name), '⏸', () => uploads.pause(id))}
        {state === 'paused' && button(words.resume(name), '▶', () => uploads.resume(id))}
        {state === 'needs-file' && (
          <ChooseAgain label={words.chooseAgain(name)} onFile={(f) => uploads.resume(id, f)} />
        )}
        {state === 'error' && button(words.retry(name), '↻', () => uploads.retry(id))}
        {isOver(item)
          ? button(words.remove(name), '×', () => uploads.remove(id))
          : button(words.cancel(name), '×', () => uploads.cancel(id))}
      </span>
    </li>
  )
}

function ChooseAgain({ label, onFile }: { label: string; onFile: (file: File) => void }): ReactNode {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" aria-label={label} title={label} onClick={() => input.current?.click()}>
        …
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={label}
        onChange={({ target }) => {
          const [file] = target.files ?? []
          if (file) onFile(file)
          target.value = ''
        }}
      />
    </>
  )
}

/** Decorative. The name identifies the file. */
function Preview({ file }: { file: File | null }): ReactNode {
  const image = useRef<HTMLImageElement>(null)
  const isImage = file?.type.startsWith('image/')
  useEffect(() => {
    if (!file || !image.current) return undefined
    const url = URL.createObjectURL(file)
    image.current.src = url
    return () => URL.revokeObjectURL(url)
  }, [file])
  return <span className="postern-preview">{isImage && <img ref={image} alt="" />}</span>
}
