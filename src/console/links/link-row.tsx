import { QrCode } from 'lucide-react'
import type { FileRecord } from '../api.ts'
import { CopyText, IconButton } from '../components/basics.tsx'
import { Qr } from '../components/qr.tsx'
import { formatAgo, formatMoment } from '../format.ts'
import { urlOfLink } from './records.ts'
import type { Link } from './records.ts'
import { formatExpiry, formatUses, isActive } from './describe-link.ts'

type Props = {
  link: Link
  file: FileRecord
  now: Date
  /** Whether the QR code is shown. */
  shown: boolean
  onShow: (shown: boolean) => void
  onRevoke: () => void
}

const bringIntoView = (figure: HTMLElement | null): void => figure?.scrollIntoView({ block: 'nearest' })

export function LinkRow({ link, file, now, shown, onShow, onRevoke }: Props) {
  const isAlive = isActive(link, now)
  const url = isAlive ? urlOfLink(link.id) : null
  const created = formatAgo(link.createdAt, now)
  return (
    <li className="link" data-link={link.id}>
      <div className="link-words">
        <p>{formatUses(link)}</p>
        <p className="quiet">
          <span title={link.expiresAt === null ? undefined : formatMoment(link.expiresAt)}>
            {formatExpiry(link, now)}
          </span>
          {' · created '}
          <time dateTime={link.createdAt} title={formatMoment(link.createdAt)}>
            {created}
          </time>
        </p>
      </div>
      {url !== null && (
        <IconButton
          icon={QrCode}
          label={`QR code of the link created ${created}`}
          expanded={shown}
          onClick={() => onShow(!shown)}
        />
      )}
      <button
        type="button"
        className="text-button link-revoke"
        aria-label={`${isAlive ? 'Revoke' : 'Remove'} the link created ${created}, ${formatUses(link)}`}
        onClick={onRevoke}
      >
        {isAlive ? 'Revoke' : 'Remove'}
      </button>
      {url !== null && <CopyText text={url} label="link" shown={44} />}
      {shown && url !== null && (
        <figure className="qr" ref={bringIntoView}>
          <Qr text={url} label={`QR code of a link to ${file.filename}`} />
          <figcaption className="quiet">
            Opens the file: {formatUses(link)}, {formatExpiry(link, now)}.
          </figcaption>
        </figure>
      )}
    </li>
  )
}
