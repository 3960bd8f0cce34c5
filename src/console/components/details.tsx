import { useEffect, useState } from 'react'
import { getDownload } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { formatBytes, formatMoment, formatType } from '../format.ts'
import { Dialog, DialogHead, FileName, IconButton } from './basics.tsx'
import { Icon, iconOfType } from './icons.tsx'
import { useMediaUrl } from './thumbnail.tsx'

const previewBytes = 32 * 2 ** 10

/** The beginning of a text, fetched as any page would fetch it: across origins, by a presigned URL. */
function useText(file: FileRecord, wanted: boolean): string | null {
  const [text, setText] = useState<string | null>(null)
  useEffect(() => {
    if (!wanted) return
    const abort = new AbortController()
    getDownload(file.id, 'inline', abort.signal)
      .then((d) => fetch(d.downloadUrl, { signal: abort.signal, headers: { range: `bytes=0-${previewBytes - 1}` } }))
      .then(async (response) => (response.ok ? response.text() : null))
      .then(setText, () => undefined) // no preview is no fault: the file can still be opened
    return () => abort.abort()
  }, [file.id, wanted])
  return text
}

function Preview({ file }: { file: FileRecord }) {
  const [family] = file.mimeType.split('/')
  const confirmed = file.status === 'confirmed'
  const media = confirmed && (family === 'image' || family === 'video' || family === 'audio')
  const textual = confirmed && (file.size ?? 0) > 0 && /^text\/|json$/.test(file.mimeType)
  const url = useMediaUrl(file, media)
  const text = useText(file, textual)
  const [failed, setFailed] = useState(false)
  const fail = (): void => setFailed(true)
  if (!failed && url && family === 'image')
    return <img className="preview" src={url} alt={`Preview of ${file.filename}`} onError={fail} />
  if (!failed && url && family === 'video')
    return <video className="preview" src={url} controls preload="metadata" onError={fail} />
  if (!failed && url && family === 'audio')
    return <audio className="preview" src={url} controls preload="metadata" onError={fail} />
  if (text !== null)
    return (
      <pre className="preview" dir="auto" tabIndex={0} aria-label={`Beginning of ${file.filename}`}>
        {text}
      </pre>
    )
  return (
    <div className="preview none">
      <Icon name={iconOfType(file.mimeType)} />
      <span>{confirmed ? 'No preview for this type' : 'The bytes have not arrived'}</span>
    </div>
  )
}

function Fact({ name, value, copy }: { name: string; value: string; copy?: (text: string) => void }) {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd className={copy ? 'mono' : ''}>
        <span>{value}</span>
        {copy && <IconButton icon="copy" label={`Copy ${name.toLowerCase()}`} onClick={() => copy(value)} />}
      </dd>
    </div>
  )
}

type DetailsProps = {
  file: FileRecord
  onClose: () => void
  onOpen: () => void
  onDownload: () => void
  onCopyLink: () => void
  onCopyText: (text: string) => void
  onRemove: () => void
}

/** The drawer on the right, a sheet from below on a phone: one file, its facts, and what can be done with it. */
export function Details({ file, onClose, onOpen, onDownload, onCopyLink, onCopyText, onRemove }: DetailsProps) {
  const confirmed = file.status === 'confirmed'
  return (
    <Dialog label={file.filename} className="drawer" onClose={onClose}>
      <DialogHead onClose={onClose}>
        <FileName name={file.filename} />
      </DialogHead>
      <div className="drawer-scroll">
        <Preview file={file} />
        <div className="drawer-actions">
          {confirmed && (
            <>
              <button type="button" className="button primary" onClick={onDownload}>
                <Icon name="download" /> Download
              </button>
              <button type="button" className="button" onClick={onCopyLink}>
                <Icon name="link" /> Copy link
              </button>
              <button type="button" className="button" onClick={onOpen}>
                <Icon name="open" /> Open
              </button>
            </>
          )}
          <button type="button" className="button danger" onClick={onRemove}>
            <Icon name="trash" /> Delete
          </button>
        </div>
        <dl className="facts">
          <Fact
            name="Size"
            value={
              file.size === null
                ? 'not known yet'
                : `${formatBytes(file.size)} (${file.size.toLocaleString('en-GB')} bytes)`
            }
          />
          <Fact
            name="Type"
            value={
              formatType(file.mimeType) === file.mimeType
                ? file.mimeType
                : `${formatType(file.mimeType)}, ${file.mimeType}`
            }
          />
          <Fact name="Added" value={formatMoment(file.createdAt)} />
          <Fact
            name="Access"
            value={file.visibility === 'public' ? 'public: anyone with its URL' : 'private: you, and who has a link'}
          />
          {file.status === 'pending' && <Fact name="State" value="The upload was started and not finished." />}
          <Fact name="Id" value={file.id} copy={onCopyText} />
          <Fact name="Key" value={file.key} copy={onCopyText} />
          {file.checksum && (
            <Fact name={file.checksum.algorithm.toUpperCase()} value={file.checksum.value} copy={onCopyText} />
          )}
        </dl>
      </div>
    </Dialog>
  )
}
