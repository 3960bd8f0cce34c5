import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { FileRejection } from 'react-dropzone'
import type { Strings } from './strings.ts'
import type { UploadItem } from './upload-list.ts'

type Props = { items: readonly UploadItem[]; rejections: readonly FileRejection[]; words: Strings }

/** Announces results politely and errors at once. Refused files are also shown, because they are not in the list. */
export function Announcements({ items, rejections, words }: Props): ReactNode {
  const known = useRef(new Map<string, string>())
  const [said, setSaid] = useState({ polite: '', urgent: '' })

  useEffect(() => {
    const before = known.current
    known.current = new Map(items.map(({ id, state }) => [id, state]))
    const changed = items.filter(({ id, state }) => before.get(id) !== state)
    const added = changed.filter(({ id }) => !before.has(id)).length
    const done = changed.filter(({ state }) => state === 'success').map(({ name }) => words.uploaded(name))
    const failed = changed.flatMap(({ name, error }) => (error ? [words.failed(name, error.message)] : []))
    const polite = [...(added > 0 ? [words.added(added)] : []), ...done].join('. ')
    if (polite || failed.length > 0) setSaid({ polite, urgent: failed.join(' ') })
  }, [items, words])

  return (
    <>
      <p className="postern-said" role="status" aria-live="polite">
        {said.polite}
      </p>
      <p className="postern-said" role="alert">
        {said.urgent}
      </p>
      <div className="postern-rejected" role="alert">
        {rejections.map(({ file, errors }) => (
          <p key={file.name}>{words.rejected(file.name, errors.map(({ message }) => message).join(' '))}</p>
        ))}
      </div>
    </>
  )
}
