import { ExternalLink } from 'lucide-react'
import { useEffect, useState } from 'react'
import { open } from '../actions.ts'
import type { FileRecord } from '../api.ts'
import { Button } from '../components/basics.tsx'
import { TypeIcon } from '../components/type-icon.tsx'
import { signedUrl, useMediaUrl } from './media-url.ts'

const previewBytes = 32 * 2 ** 10

/** Larger documents open in a separate tab. */
const maxPdfBytes = 32 * 2 ** 20

/**
 * A local copy of a PDF. The store sandboxes its responses, and no browser's PDF viewer runs in a sandbox. The blob's
 * type is fixed to PDF, so the bytes can only reach that viewer.
 */
function usePdf(file: FileRecord, wanted: boolean): string | null {
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    if (!wanted || navigator.pdfViewerEnabled !== true) return undefined
    const { signal, abort } = aborting()
    let made: string | null = null
    signedUrl(file.id)
      .then((from) => fetch(from, { signal }))
      .then(async (response) => (response.ok ? response.blob() : null))
      .then((bytes) => {
        if (bytes === null || signal.aborted) return
        made = URL.createObjectURL(new Blob([bytes], { type: 'application/pdf' }))
        setUrl(made)
      })
      .catch(() => undefined) // without a preview the file can still be opened
    return () => {
      abort()
      if (made !== null) URL.revokeObjectURL(made)
      setUrl(null)
    }
  }, [file.id, wanted])
  return url
}

/** The beginning of a text file, fetched from the objects origin by a presigned URL. */
function useText(file: FileRecord, wanted: boolean): string | null {
  const [text, setText] = useState<string | null>(null)
  useEffect(() => {
    if (!wanted) return undefined
    const { signal, ...abort } = aborting()
    signedUrl(file.id)
      .then((url) => fetch(url, { signal, headers: { range: `bytes=0-${previewBytes - 1}` } }))
      .then(async (response) => (response.ok ? response.text() : null))
      .then(setText, () => undefined) // without a preview the file can still be opened
    return abort.abort
  }, [file.id, wanted])
  return text
}

function aborting(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

export function Preview({ file }: { file: FileRecord }) {
  const [family] = file.mimeType.split('/')
  const textual = (file.size ?? 0) > 0 && /^text\/|json$/.test(file.mimeType)
  const url = useMediaUrl(file, family === 'image' || family === 'video' || family === 'audio')
  const text = useText(file, textual)
  const pdf = usePdf(file, file.mimeType === 'application/pdf' && (file.size ?? 0) <= maxPdfBytes)
  const [failed, setFailed] = useState(false)
  const fail = (): void => setFailed(true)
  if (!failed && url && family === 'image')
    return <img className="preview" src={url} alt={`Preview of ${file.filename}`} onError={fail} />
  if (!failed && url && family === 'video')
    return <video className="preview" src={url} controls preload="metadata" onError={fail} />
  if (!failed && url && family === 'audio')
    return <audio className="preview" src={url} controls preload="metadata" onError={fail} />
  // oxlint-disable-next-line react/iframe-missing-sandbox -- no browser shows a PDF in one; the type is set above
  if (pdf !== null) return <iframe className="preview pdf" src={pdf} title={`Preview of ${file.filename}`} />
  if (text !== null)
    return (
      <pre className="preview" dir="auto" tabIndex={0} aria-label={`Beginning of ${file.filename}`}>
        {text}
      </pre>
    )
  return <NoPreview file={file} />
}

function NoPreview({ file }: { file: FileRecord }) {
  const isPdf = file.mimeType === 'application/pdf'
  return (
    <div className="preview none">
      <TypeIcon mimeType={file.mimeType} />
      {isPdf ? (
        <Button icon={ExternalLink} onClick={() => void open(file)}>
          Open in a new tab
        </Button>
      ) : (
        <span>{(file.size ?? 0) === 0 ? 'The file is empty' : 'No preview for this type'}</span>
      )}
    </div>
  )
}
