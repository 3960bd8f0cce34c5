import { type ReactNode, useId } from 'react'
import { Announcements } from './announcements.tsx'
import { english, type Strings } from './strings.ts'
import { UploadRow } from './upload-row.tsx'
import { type UploadDropzoneState, useUploadDropzone, type UseUploadDropzoneOptions } from './use-upload-dropzone.ts'

export type UploadDropzoneProps = UseUploadDropzoneOptions & {
  strings?: Partial<Strings>
  className?: string
  /** Replaces the label. A function renders the whole zone. */
  children?: ReactNode | ((state: UploadDropzoneState) => ReactNode)
}

/** A drop zone and the list of its uploads. Styles are in `postern/react/styles.css` and use CSS variables. */
export function UploadDropzone({ strings, className, children, ...o }: UploadDropzoneProps): ReactNode {
  const state = useUploadDropzone(o)
  const hintId = useId()
  const words = { ...english, ...strings }
  if (typeof children === 'function') return children(state)
  const { items, isDragActive, isDragReject, getRootProps, getInputProps } = state
  return (
    <div className={`postern-uploads ${className ?? ''}`.trim()}>
      <div
        {...getRootProps({
          className: 'postern-dropzone',
          role: 'button',
          'aria-label': words.label,
          'aria-describedby': words.hint ? hintId : undefined,
          'aria-disabled': o.disabled || undefined,
          'data-drag': isDragReject ? 'reject' : isDragActive ? 'accept' : undefined,
        })}
      >
        <input {...getInputProps()} />
        {children ?? <span>{isDragActive ? words.dropHere : words.label}</span>}
        {words.hint && <small id={hintId}>{words.hint}</small>}
      </div>
      {items.length > 0 && (
        <ul className="postern-list" aria-label={words.list}>
          {items.map((item) => (
            <UploadRow key={item.id} item={item} words={words} uploads={state} />
          ))}
        </ul>
      )}
      <Announcements items={items} rejections={state.rejections} words={words} />
    </div>
  )
}
