/** Details of one request: why it was refused, signed and sent values next to each other, and what to do. */
import { ArrowRight, ClipboardCopy, Terminal } from 'lucide-react'
import { copyText } from '../../actions.ts'
import { serverUrl } from '../../api.ts'
import { Badge, Button, CopyText, Fact } from '../../components/basics.tsx'
import { Dialog, DialogHead } from '../../components/dialog.tsx'
import { formatBytes, formatMoment } from '../../format.ts'
import type { ServerStatus } from '../../server-status.ts'
import { toasts } from '../../toasts.ts'
import { asCurl, asReport } from './as-text.ts'
import { formatTook, formatOutcome, subjectOf, type LogEntry } from './entry.ts'
import type { Explanation } from '../../../api/contract.ts'
import { SignedTable } from './signed-table.tsx'

type Props = { entry: LogEntry; status: ServerStatus | null; onClose: () => void }

const tones = { ok: 'good', refused: 'bad', failed: 'bad', aborted: 'warn' } as const

export function Reason({ entry, status, onClose }: Props) {
  const { refusal, method } = entry
  const explanation = refusal?.explanation ?? null
  const copy = (text: string, what: string): void =>
    void copyText(text).then(
      () => toasts.say(`${what} copied.`),
      () => toasts.say('The browser blocked access to the clipboard.', 'bad'),
    )
  const bases = { api: serverUrl(), objects: status?.objectsUrl ?? serverUrl() }
  return (
    <Dialog label={`${method} ${subjectOf(entry)}`} className="drawer reason" onClose={onClose}>
      <DialogHead onClose={onClose}>
        <span className="reason-title">
          <span className="mono">{method}</span> <Badge tone={tones[entry.outcome]}>{formatOutcome(entry)}</Badge>
        </span>
      </DialogHead>
      <div className="drawer-scroll reason-body">
        <p className="reason-subject mono">
          <bdi>{subjectOf(entry)}</bdi>
        </p>
        {refusal && (
          <div className="reason-words" role="group" aria-label="Reason">
            <p className="reason-what">{explanation?.difference?.message ?? refusal.message}</p>
            {refusal.advice && (
              <p className="reason-advice">
                <ArrowRight />
                <span>{refusal.advice}</span>
              </p>
            )}
            {explanation?.difference && refusal.message !== explanation.difference.message && (
              <p className="quiet">Response: {refusal.message}</p>
            )}
          </div>
        )}
        {explanation && explanation.rows.length > 0 && <SignedTable explanation={explanation} />}
        {explanation && <Also explanation={explanation} />}
        <h3 className="visually-hidden">Facts</h3>
        <Facts entry={entry} />
      </div>
      <footer className="drawer-actions reason-actions">
        {entry.app !== 'store' && (
          <Button icon={Terminal} onClick={() => copy(asCurl(entry, bases), 'Command')}>
            Copy as curl
          </Button>
        )}
        <Button icon={ClipboardCopy} onClick={() => copy(asReport(entry), 'Report')}>
          Copy as text
        </Button>
      </footer>
    </Dialog>
  )
}

function Also({ explanation: { also } }: { explanation: Explanation }) {
  if (also.length === 0) return null
  return (
    <div className="reason-also">
      <h3>Also</h3>
      <ul>
        {also.map(({ code, name, message, advice }) => (
          <li key={`${code} ${name}`}>
            {message} <span className="quiet">{advice}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Facts({ entry }: { entry: LogEntry }) {
  const { time, ms, size, user, keyOwner, bucket, key, path, requestId, app, refusal } = entry
  const decoded = refusal?.explanation?.decoded
  return (
    <dl className="facts">
      <Fact name="When">{formatMoment(time)}</Fact>
      {ms !== null && <Fact name="Took">{formatTook(ms)}</Fact>}
      {size !== null && <Fact name="Size">{formatBytes(size)}</Fact>}
      <Fact name="Answered by">
        {app === 'api' ? 'the API' : app === 'objects' ? 'the objects endpoint' : 'the bucket'}
      </Fact>
      {user !== null && <Fact name="User">{user}</Fact>}
      {keyOwner !== null && <Fact name="Access key owner">{keyOwner}</Fact>}
      {bucket !== null && <Fact name="Bucket">{bucket}</Fact>}
      {key !== null && (
        <Fact name="Key">
          <CopyText text={key} label="key" shown={28} />
        </Fact>
      )}
      {key === null && (
        <Fact name="Path">
          <CopyText text={path} label="path" shown={28} />
        </Fact>
      )}
      {decoded?.signedAt && <Fact name="Signed">{formatMoment(decoded.signedAt)}</Fact>}
      {decoded?.expiresAt && <Fact name="URL expires">{formatMoment(decoded.expiresAt)}</Fact>}
      {decoded?.credential && <Fact name="Access key">{decoded.credential.accessKeyId}</Fact>}
      {requestId && (
        <Fact name="Request id">
          <CopyText text={requestId} label="request id" />
        </Fact>
      )}
    </dl>
  )
}
