import { Check, CheckCheck, Play, RotateCw, Terminal, Trash2 } from 'lucide-react'
import { createElement, useRef, useState } from 'react'
import type { UploadItem } from '../../../react/index.ts'
import { copyText } from '../../actions.ts'
import { request } from '../../api.ts'
import { Badge, Bar, Button, CopyText, FileName } from '../../components/basics.tsx'
import { iconOfType } from '../../components/type-icon.tsx'
import { deletes } from '../../files/deletes.ts'
import { reloadFiles } from '../../files/records.ts'
import { formatAgo, formatBytes, formatMoment, formatType } from '../../format.ts'
import { toasts } from '../../toasts.ts'
import { PartMap } from '../../transfers/part-map.tsx'
import { isBusy, stateInWords as liveState } from '../../transfers/describe-transfer.ts'
import { resumeWithFile, uploads } from '../../uploads.ts'
import { asFile, formatUntil, partsOf, stateInWords, describeMissing, type Pending } from './pending.ts'
import { reload } from './records.ts'

/** `item` is set if this browser started the upload. */
type Props = { upload: Pending; now: Date; item: UploadItem | null }

const tones = {
  'being-sent': 'good',
  'not-confirmed': 'warn',
  'in-parts': 'warn',
  lost: 'bad',
  unknown: 'bad',
} as const

function toneOf(isLive: boolean, { state }: Pending): { tone?: 'good' | 'warn' | 'bad' } {
  if (isLive) return { tone: 'good' }
  return state === 'never-sent' ? {} : { tone: tones[state] }
}

export function PendingRow({ upload, now, item }: Props) {
  const { filename, mimeType, size, createdAt, expiresAt, key } = upload
  const isLive = item !== null && isBusy(item)
  const ends = expiresAt === null ? null : formatUntil(expiresAt, now)
  return (
    <li className="pending">
      <div className="pending-head">
        {createElement(iconOfType(mimeType))}
        <h2>
          <FileName name={filename} />
        </h2>
        <Badge {...toneOf(isLive, upload)}>{isLive ? liveState(item) : stateInWords(upload)}</Badge>
      </div>
      <p className="quiet pending-facts">
        {formatType(mimeType)}
        {size !== null && ` · ${formatBytes(size)}`}
        {' · started '}
        <time dateTime={createdAt} title={formatMoment(createdAt)}>
          {formatAgo(createdAt, now)}
        </time>
        {expiresAt !== null && (
          <>
            {' · '}
            <time dateTime={expiresAt} title={formatMoment(expiresAt)}>
              {ends === null ? 'about to be deleted' : `deleted ${ends}`}
            </time>
          </>
        )}
      </p>
      <Parts upload={upload} item={item} isLive={isLive} />
      <p className="pending-missing">{isLive ? 'This page is uploading it.' : describeMissing(upload, now)}</p>
      <div className="pending-end">
        <CopyText text={key} label="key" shown={28} />
        <Actions upload={upload} item={item} />
      </div>
    </li>
  )
}

function Parts({ upload, item, isLive }: Omit<Props, 'now'> & { isLive: boolean }) {
  const part = (isLive ? item?.progress.part : undefined) ?? partsOf(upload)
  if (part) return <PartMap name={upload.filename} part={part} />
  if (!isLive || !item) return null
  return <Bar fraction={item.progress.percent / 100} label={`Progress of ${upload.filename}`} />
}

function Actions({ upload, item }: Omit<Props, 'now'>) {
  const [busy, setBusy] = useState(false)
  const { id, filename, state, method } = upload
  const act = async (work: () => Promise<unknown>, failed: string): Promise<void> => {
    setBusy(true)
    try {
      await work()
    } catch (error) {
      toasts.say(`${failed} ${error instanceof Error ? error.message : ''}`, 'bad')
    }
    setBusy(false)
    void reload()
  }
  const confirm = async (): Promise<void> => {
    await request('/files/confirm', { method: 'POST', body: { id } })
    toasts.say(`${filename} is confirmed.`)
    reloadFiles()
  }
  const complete = async (): Promise<void> => {
    await request(`/files/multipart/${id}/complete`, { method: 'POST', body: {} })
    toasts.say(`${filename} is confirmed.`)
    reloadFiles()
  }
  const isWhole =
    upload.state === 'in-parts' && upload.multipart !== null && upload.storedParts === upload.multipart.partCount
  const isLive = item !== null && isBusy(item)
  return (
    <span className="pending-actions">
      {state === 'not-confirmed' && !isLive && (
        <Button icon={Check} tone="primary" disabled={busy} onClick={() => void act(confirm, 'Not confirmed.')}>
          Confirm
        </Button>
      )}
      {isWhole && !isLive && (
        <Button icon={CheckCheck} tone="primary" disabled={busy} onClick={() => void act(complete, 'Not completed.')}>
          Complete
        </Button>
      )}
      {!isLive && !isWhole && <ResumeUpload upload={upload} item={item} />}
      {state === 'never-sent' && method === 'PUT' && !isLive && (
        <Button
          icon={Terminal}
          disabled={busy}
          onClick={() => void act(() => copyCommand(upload), 'No command was copied.')}
        >
          Copy as curl
        </Button>
      )}
      <Button icon={Trash2} tone="danger" disabled={busy} onClick={() => abort(upload, item)}>
        Abort
      </Button>
    </span>
  )
}

/** Only the browser that started the upload knows which file it is and which parts it sent. */
function ResumeUpload({ upload, item }: Omit<Props, 'now'>) {
  const input = useRef<HTMLInputElement>(null)
  if (!item) {
    const isHere = upload.method !== 'MULTIPART' || upload.state === 'lost'
    return isHere ? null : <span className="quiet">Started in another browser. Resume it there.</span>
  }
  if (item.state === 'paused' || item.state === 'error')
    return (
      <Button
        icon={item.state === 'paused' ? Play : RotateCw}
        tone="primary"
        onClick={() => (item.state === 'paused' ? uploads.resume(item.id) : uploads.retry(item.id))}
      >
        {item.state === 'paused' ? 'Resume' : 'Retry'}
      </Button>
    )
  if (item.state !== 'needs-file') return null
  return (
    <>
      <Button icon={Play} tone="primary" onClick={() => input.current?.click()}>
        Choose file to resume
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={`Choose ${upload.filename} to resume`}
        onChange={(e) => {
          const file = e.target.files?.[0]
          e.target.value = ''
          if (file && !resumeWithFile(upload.id, file))
            toasts.say('This browser has no record of that upload. Abort it and upload the file again.', 'bad')
        }}
      />
    </>
  )
}

/** Requests a fresh URL, because the page does not keep the one issued first. */
async function copyCommand({ id, filename }: Pending): Promise<void> {
  type Issued = { uploadUrl: string; headers: Record<string, string> }
  const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
  const issued = request<Issued>(`/files/${id}/upload-url`, { method: 'POST', body: {} })
  const command = issued.then(({ uploadUrl, headers }) =>
    [
      `curl -T ${quote(filename)}`,
      ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
      quote(uploadUrl),
    ].join(' \\\n  '),
  )
  await copyText(command)
  toasts.say('Command copied. It contains a fresh URL. Anyone who has it can upload this file.')
}

/** Cancels an upload of this page at once. An upload stored on the server can be restored for eight seconds. */
function abort(upload: Pending, item: UploadItem | null): void {
  if (item && item.state !== 'success') {
    uploads.cancel(item.id)
    toasts.say(`${upload.filename} aborted.`)
    void reload()
  } else deletes.add(asFile(upload))
}
