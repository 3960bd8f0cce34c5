import { Download, ExternalLink, Pencil, Trash2, X } from 'lucide-react'
import { useState } from 'react'
import type { SubmitEvent } from 'react'
import { open } from '../actions.ts'
import { changeFile } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { Button, CopyText, Fact, FileName, IconButton } from '../components/basics.tsx'
import { Dialog } from '../components/dialog.tsx'
import { displayName, formatBytes, formatMoment, formatType } from '../format.ts'
import { Links } from '../links/links.tsx'
import { folderOf } from '../relative-path.ts'
import { toasts } from '../toasts.ts'
import type { FileActions } from './file-actions.ts'
import { Metadata } from './metadata.tsx'
import { Preview } from './preview.tsx'
import { replaceFile } from './records.ts'
import { Share } from './share.tsx'

/** Characters that fit in the header. */
const longName = 32
/** Characters shown of ids, keys and digests. */
const shown = 27

type Props = { file: FileRecord; actions: FileActions; onClose: () => void }

/** One file with its details and actions. On the right, or a bottom sheet on a phone. */
export function Drawer({ file, actions, onClose }: Props) {
  return (
    <Dialog label={file.filename} className="drawer" onClose={onClose}>
      <header className="dialog-head" tabIndex={-1} autoFocus>
        <Rename file={file} />
        <IconButton icon={X} label="Close" onClick={onClose} />
      </header>
      <div className="drawer-scroll" tabIndex={-1}>
        <Preview file={file} />
        <div className="drawer-actions">
          <Button icon={Download} tone="primary" onClick={() => actions.download(file)}>
            Download
          </Button>
          <Button icon={ExternalLink} onClick={() => void open(file)}>
            Open
          </Button>
          <Button icon={Trash2} tone="danger" onClick={() => actions.remove(file)}>
            Delete
          </Button>
        </div>
        <Share file={file} />
        <Links file={file} />
        <Facts file={file} />
        <Metadata file={file} />
      </div>
    </Dialog>
  )
}

function Facts({ file }: { file: FileRecord }) {
  const type = formatType(file.mimeType)
  const folder = folderOf(file)
  return (
    <section>
      <h3>Facts</h3>
      <dl className="facts">
        {file.filename.length > longName && (
          <Fact name="Name">
            <bdi>{displayName(file.filename)}</bdi>
          </Fact>
        )}
        {folder && (
          <Fact name="Folder">
            <bdi>{folder}</bdi>
          </Fact>
        )}
        <Fact name="Size">
          {file.size === null ? 'unknown' : formatBytes(file.size)}
          {file.size !== null && file.size > 1023 && (
            <span className="quiet"> · {file.size.toLocaleString('en-GB')} bytes</span>
          )}
        </Fact>
        <Fact name="Type">
          {type}
          {type !== file.mimeType && <span className="quiet mono"> · {file.mimeType}</span>}
        </Fact>
        <Fact name="Added">{formatMoment(file.createdAt)}</Fact>
        <Fact name="Id">
          <CopyText text={file.id} label="id" shown={shown} />
        </Fact>
        <Fact name="Key">
          <CopyText text={file.key} label="key" shown={shown} />
        </Fact>
        {file.checksum && (
          <Fact name={file.checksum.algorithm.toUpperCase()}>
            <CopyText text={file.checksum.value} label={file.checksum.algorithm} shown={shown} />
          </Fact>
        )}
      </dl>
    </section>
  )
}

/** The name, which becomes a text field for editing. Enter saves, Escape cancels. */
function Rename({ file }: { file: FileRecord }) {
  const [name, setName] = useState<string | null>(null)
  const [refusal, setRefusal] = useState<string | null>(null)
  const save = async (e: SubmitEvent<HTMLFormElement>): Promise<void> => {
    e.preventDefault()
    const filename = (name ?? '').trim()
    if (filename === file.filename) return setName(null)
    try {
      replaceFile(await changeFile(file.id, { filename }))
      setName(null)
      setRefusal(null)
      toasts.say('Renamed.')
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : 'Could not rename the file.')
    }
  }
  if (name === null)
    return (
      <div className="drawer-name">
        <h2>
          <FileName name={file.filename} />
        </h2>
        <IconButton icon={Pencil} label="Rename" onClick={() => setName(file.filename)} />
      </div>
    )
  return (
    <form className="rename" onSubmit={(e) => void save(e)}>
      <input
        dir="auto"
        aria-label="Filename"
        aria-invalid={refusal !== null}
        value={name}
        autoFocus
        onFocus={(e) => e.target.setSelectionRange(0, endOfStem(e.target.value))}
        onChange={(e) => setName(e.target.value)}
        onKeyDown={(e) => {
          if (e.key !== 'Escape') return
          e.preventDefault()
          setName(null)
        }}
      />
      <Button type="submit" tone="primary">
        Save
      </Button>
      <p className="form-error" role="alert">
        {refusal}
      </p>
    </form>
  )
}

/** The end of the name without its extension, which stays unselected when editing starts. */
function endOfStem(filename: string): number {
  const dot = filename.lastIndexOf('.')
  return dot > 0 ? dot : filename.length
}
