import { QrCode } from 'lucide-react'
import type { FileRecord } from '../api.ts'
import { CopyText, IconButton } from '../components/basics.tsx'
import { Qr } from '../components/qr.tsx'
import { formatAgo, formatMoment } from '../format.ts'
import { urlOfLink } from './records.ts'
import type { Link } from './records.ts'
import { endInWords, usesInWords, works } from './words.ts'

type Props = {
  link: Link
  file: FileRecord
  now: Date
  /** Whether its QR code is shown. */
  shown: boolean
  onShow: (shown: boolean) => void
  onRevoke: () => void
}

const bringIntoView = (figure: HTMLElement | null): void => figure?.scrollIntoView({ block: 'nearest' })

export function LinkRow({ link, file, now, shown, onShow, onRevoke }: Props) {
  const isAlive = works(link, now)
  const url = isAlive ? urlOfLink(link.id) : null
  const made = formatAgo(link.createdAt, now)
  return (
    <li className="link" data-link={link.id}>
      <div className="link-words">
        <p>{usesInWords(link)}</p>
        <p className="quiet">
          <span title={link.expiresAt === null ? undefined : formatMoment(link.expiresAt)}>
            {endInWords(link, now)}
          </span>
          {' · made '}
          <time dateTime={link.createdAt} title={formatMoment(link.createdAt)}>
            {made}
          </time>
        </p>
      </div>
      {url !== null && (
        <IconButton
          icon={QrCode}
          label={`QR code of the link made ${made}`}
          expanded={shown}
          onClick={() => onShow(!shown)}
        />
      )}
      <button
        type="button"
        className="text-button link-revoke"
        aria-label={`${isAlive ? 'Revoke' : 'Remove'} the link made ${made}, ${usesInWords(link)}`}
        onClick={onRevoke}
      >
        {isAlive ? 'Revoke' : 'Remove'}
      </button>
      {url !== null && <CopyText text={url} label="link" shown={44} />}
      {shown && url !== null && (
        <figure className="qr" ref={bringIntoView}>
          <Qr text={url} label={`QR code of a link to ${file.filename}`} />
          <figcaption className="quiet">
            Opens the file: {usesInWords(link)}, {endInWords(link, now)}.
          </figcaption>
        </figure>
      )}
    </li>
  )
}
