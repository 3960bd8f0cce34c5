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
import { isBusy, stateInWords as liveState } from '../../transfers/words.ts'
import { chooseAgain, uploads } from '../../uploads.ts'
import { asFile, formatUntil, partsOf, stateInWords, whatIsMissing, type Pending } from './pending.ts'
import { lookAgain } from './records.ts'

/** `item` is the upload where this browser began it. */
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
        {' · begun '}
        <time dateTime={createdAt} title={formatMoment(createdAt)}>
          {formatAgo(createdAt, now)}
        </time>
        {expiresAt !== null && (
          <>
            {' · '}
            <time dateTime={expiresAt} title={formatMoment(expiresAt)}>
              {ends === null ? 'about to be removed' : `removed ${ends}`}
            </time>
          </>
        )}
      </p>
      <Parts upload={upload} item={item} isLive={isLive} />
      <p className="pending-missing">{isLive ? 'This page is sending it.' : whatIsMissing(upload, now)}</p>
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
    void lookAgain()
  }
  const confirm = async (): Promise<void> => {
    await request('/files/confirm', { method: 'POST', body: { id } })
    toasts.say(`${filename} is a file now.`)
    reloadFiles()
  }
  const complete = async (): Promise<void> => {
    await request(`/files/multipart/${id}/complete`, { method: 'POST', body: {} })
    toasts.say(`${filename} is a file now.`)
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
      {!isLive && !isWhole && <GoOn upload={upload} item={item} />}
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

/** Only the browser that began it knows which file it is, and what of it was sent. */
function GoOn({ upload, item }: Omit<Props, 'now'>) {
  const input = useRef<HTMLInputElement>(null)
  if (!item) {
    const isHere = upload.method !== 'MULTIPART' || upload.state === 'lost'
    return isHere ? null : <span className="quiet">Begun elsewhere: there it can go on.</span>
  }
  if (item.state === 'paused' || item.state === 'error')
    return (
      <Button
        icon={item.state === 'paused' ? Play : RotateCw}
        tone="primary"
        onClick={() => (item.state === 'paused' ? uploads.resume(item.id) : uploads.retry(item.id))}
      >
        {item.state === 'paused' ? 'Resume' : 'Try again'}
      </Button>
    )
  if (item.state !== 'needs-file') return null
  return (
    <>
      <Button icon={Play} tone="primary" onClick={() => input.current?.click()}>
        Choose the file to resume
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={`The file ${upload.filename}, to go on with it`}
        onChange={(e) => {
          const file = e.target.files?.[0]
          e.target.value = ''
          if (file && !chooseAgain(upload.id, file))
            toasts.say('This browser does not remember that upload: abort it and upload the file again.', 'bad')
        }}
      />
    </>
  )
}

/** A fresh URL: the one that was issued is not kept. */
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
  toasts.say('Command copied, with a fresh URL in it. Whoever has it can send these bytes.')
}

/** What this page sends is canceled at once; what lies on the server can be brought back for eight seconds. */
function abort(upload: Pending, item: UploadItem | null): void {
  if (item && item.state !== 'success') {
    uploads.cancel(item.id)
    toasts.say(`${upload.filename} is aborted.`)
    void lookAgain()
  } else deletes.add(asFile(upload))
}
