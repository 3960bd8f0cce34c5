import { Globe, Link, Lock, QrCode } from 'lucide-react'
import { useState } from 'react'
import { copyLink } from '../actions.ts'
import { getDownload } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { Button, CopyText, ErrorNote, IconButton, Spinner } from '../components/basics.tsx'
import { Qr } from '../components/qr.tsx'
import { formatDuration } from '../format.ts'
import { useNoLinks } from '../links/records.ts'
import { useQuery } from '@tanstack/react-query'

/** Seconds. S3 signs for seven days at most. */
const lifetimes = [300, 3600, 86_400, 604_800]

/** Ways to share a file: its public URL, or a signed URL that expires. */
export function Share({ file }: { file: FileRecord }) {
  const [expiresIn, setExpiresIn] = useState(3600)
  const [shown, setShown] = useState(false)
  const isPublic = file.publicUrl !== undefined
  // A signed URL is too long for many QR scanners. If share links are available, use those for QR codes.
  const scansSigned = useNoLinks(file) !== null && !isPublic
  const qrButton = (
    <IconButton icon={QrCode} className="outlined" label="QR code" expanded={shown} onClick={() => setShown(!shown)} />
  )
  return (
    <section className="share">
      <h3>Share</h3>
      {file.publicUrl ? (
        <>
          <p className="share-who">
            <Globe /> <span>Public. Anyone with this URL can read the file until it is deleted.</span>
          </p>
          <div className="share-public">
            <CopyText text={file.publicUrl} label="public URL" shown={36} />
            {qrButton}
          </div>
        </>
      ) : (
        <p className="share-who">
          <Lock /> <span>Private. Only you and people with an active link can open it.</span>
        </p>
      )}
      {shown && isPublic && <QrOfFile file={file} expiresIn={expiresIn} />}
      <div className={scansSigned ? 'share-tools scanned' : 'share-tools'}>
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
        {scansSigned && qrButton}
      </div>
      {shown && scansSigned && <QrOfFile file={file} expiresIn={expiresIn} />}
    </section>
  )
}

function QrOfFile({ file, expiresIn }: { file: FileRecord; expiresIn: number }) {
  const link = useQuery({
    queryKey: ['link', file.id, expiresIn],
    queryFn: async ({ signal }) =>
      file.publicUrl ?? (await getDownload(file.id, { disposition: 'inline', expiresIn, signal })).downloadUrl,
    staleTime: 60_000,
  })
  if (link.isPending) return <Spinner label="Signing a link" />
  if (link.isError) return <ErrorNote title="Could not sign a link" error={link.error} />
  return (
    <figure className="qr">
      <Qr text={link.data} label={`QR code of a link to ${file.filename}`} />
      <figcaption className="quiet">
        {file.publicUrl ? 'Opens the public URL.' : `Opens the file for ${formatDuration(expiresIn)} from now.`}
      </figcaption>
    </figure>
  )
}
