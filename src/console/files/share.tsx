import { Globe, Link, Lock, QrCode } from 'lucide-react'
import { useState } from 'react'
import { encode } from 'uqr'
import { copyLink } from '../actions.ts'
import { getDownload } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { Button, CopyText, ErrorNote, IconButton, Spinner } from '../components/basics.tsx'
import { formatDuration } from '../format.ts'
import { useQuery } from '@tanstack/react-query'

/** Seconds. S3 signs for a week at most. */
const lifetimes = [300, 3600, 86_400, 604_800]

/** How others get at a file: its public URL, or a link that ends when it is told to. */
export function Share({ file }: { file: FileRecord }) {
  const [expiresIn, setExpiresIn] = useState(3600)
  const [shown, setShown] = useState(false)
  return (
    <section className="share">
      <h3>Share</h3>
      {file.publicUrl ? (
        <>
          <p className="share-who">
            <Globe /> <span>Public: anyone with this URL can read it until it is deleted.</span>
          </p>
          <CopyText text={file.publicUrl} label="public URL" shown={36} />
        </>
      ) : (
        <p className="share-who">
          <Lock /> <span>Private: you, and for a time whoever has a link.</span>
        </p>
      )}
      <div className="share-tools">
        <label>
          <span className="visually-hidden">The link works for</span>
          <select value={expiresIn} onChange={(e) => setExpiresIn(Number(e.target.value))}>
            {lifetimes.map((seconds) => (
              <option key={seconds} value={seconds}>
                for {formatDuration(seconds)}
              </option>
            ))}
          </select>
        </label>
        <Button icon={Link} onClick={() => void copyLink(file, expiresIn)}>
          Copy link
        </Button>
        <IconButton
          icon={QrCode}
          className="outlined"
          label="QR code"
          expanded={shown}
          onClick={() => setShown(!shown)}
        />
      </div>
      {shown && <QrOfLink file={file} expiresIn={expiresIn} />}
    </section>
  )
}

function QrOfLink({ file, expiresIn }: { file: FileRecord; expiresIn: number }) {
  const link = useQuery({
    queryKey: ['link', file.id, expiresIn],
    queryFn: async ({ signal }) =>
      file.publicUrl ?? (await getDownload(file.id, { disposition: 'inline', expiresIn, signal })).downloadUrl,
    staleTime: 60_000,
  })
  if (link.isPending) return <Spinner label="Signing a link" />
  if (link.isError) return <ErrorNote title="The link could not be signed" error={link.error} />
  return (
    <figure className="qr">
      <Qr text={link.data} label={`QR code of a link to ${file.filename}`} />
      <figcaption className="quiet">
        {file.publicUrl ? 'Opens the public URL.' : `Opens the file for ${formatDuration(expiresIn)} from now.`}
      </figcaption>
    </figure>
  )
}

/** Dark on light in every theme: that is what cameras read. */
function Qr({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { ecc: 'L', border: 3 })
  const dark = data.flatMap((cells, y) => cells.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={dark.join('')} fill="#000" />
    </svg>
  )
}
