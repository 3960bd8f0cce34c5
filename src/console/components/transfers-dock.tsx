import { useEffect, useState } from 'react'
import { formatBytes, formatEta, formatSpeed, plural } from '../format.ts'
import { useStore } from '../store.ts'
import { isActive, isSettled, totalsOf } from '../transfers.ts'
import type { Transfer, Transfers, TransferState, TransferTotals } from '../transfers.ts'
import { leavingForDownload } from '../actions.ts'
import { Bar, FileName, IconButton } from './basics.tsx'
import { Icon } from './icons.tsx'

/** All went well: the dock has nothing more to say and goes after this many milliseconds. */
const goesAfter = 6000

const words = {
  waiting: 'waiting',
  signing: 'signing',
  uploading: 'uploading',
  finalizing: 'finishing',
  confirming: 'verifying',
  done: 'done',
  failed: 'failed',
  canceled: 'canceled',
} satisfies Record<TransferState, string>

function headline(t: TransferTotals): string {
  const left = t.active + t.waiting
  if (left > 0) return `Uploading ${plural(left, 'file')} · ${t.percent} %`
  const parts = [
    ...(t.done > 0 ? [`${plural(t.done, 'file')} uploaded`] : []),
    ...(t.failed > 0 ? [`${t.failed} failed`] : []),
    ...(t.canceled > 0 ? [`${t.canceled} canceled`] : []),
  ]
  return parts.join(' · ')
}

export function TransfersDock({ queue }: { queue: Transfers }) {
  const { transfers } = useStore(queue)
  const [open, setOpen] = useState(true)
  const totals = totalsOf(transfers)
  const busy = totals.active + totals.waiting > 0
  const settled = transfers.length > 0 && !busy

  useEffect(() => {
    if (!settled || totals.failed > 0) return
    const timer = setTimeout(() => queue.dismiss(new Set(queue.get().transfers.map((t) => t.id))), goesAfter)
    return () => clearTimeout(timer)
  }, [queue, settled, totals.failed])

  useEffect(() => {
    if (!busy) return
    const ask = (e: BeforeUnloadEvent): void => {
      if (!leavingForDownload()) e.preventDefault()
    }
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [busy])

  if (transfers.length === 0) return null
  const dismissSettled = (): void => queue.dismiss(new Set(transfers.filter(isSettled).map((t) => t.id)))
  return (
    <section className="dock" aria-label="Uploads">
      <header className="dock-head">
        <button type="button" className="dock-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name={busy ? 'upload' : totals.failed > 0 ? 'alert' : 'check'} />
          <span className="dock-words">
            <span className="dock-title">{headline(totals)}</span>
            {busy && totals.bytesPerSecond !== null && (
              <span className="dock-speed">
                {formatSpeed(totals.bytesPerSecond)}
                {totals.etaSeconds !== null && ` · ${formatEta(totals.etaSeconds)}`}
              </span>
            )}
          </span>
          <span className={`chevron ${open ? '' : 'up'}`}>
            <Icon name="down" />
          </span>
        </button>
        {busy ? (
          <button type="button" className="text-button" onClick={() => queue.cancelAll()}>
            Cancel all
          </button>
        ) : (
          <>
            {transfers.filter((t) => t.error?.retryable).length > 1 && (
              <button type="button" className="text-button" onClick={() => queue.retryAll()}>
                Retry all
              </button>
            )}
            <IconButton icon="close" label="Close the list of uploads" onClick={dismissSettled} />
          </>
        )}
      </header>
      {busy && <Bar fraction={totals.percent / 100} label="All uploads" />}
      {open && (
        <ul className="transfers">
          {inOrder(transfers).map((t) => (
            <TransferRow key={t.id} transfer={t} queue={queue} />
          ))}
        </ul>
      )}
      <p className="visually-hidden" role="status">
        {busy ? `Uploading ${plural(totals.active + totals.waiting, 'file')}` : headline(totals)}
      </p>
    </section>
  )
}

/** What moves or needs a hand stands on top. */
const inOrder = (transfers: readonly Transfer[]): Transfer[] => {
  const rank = (t: Transfer): number => (t.state === 'failed' ? 0 : isActive(t) ? 1 : t.state === 'waiting' ? 2 : 3)
  return transfers.toSorted((a, b) => rank(a) - rank(b) || a.id - b.id)
}

function TransferRow({ transfer: t, queue }: { transfer: Transfer; queue: Transfers }) {
  const { file, state } = t
  const fraction = file.size === 0 ? 0 : t.loaded / file.size
  return (
    <li className={`transfer ${state}`}>
      <span className="transfer-name">
        <FileName name={file.name} />
      </span>
      <span className="transfer-state">
        {state === 'uploading' ? (
          <>
            <span>{Math.floor(fraction * 100)} %</span>
            {t.bytesPerSecond !== null && <span className="quiet"> · {formatSpeed(t.bytesPerSecond)}</span>}
            {t.etaSeconds !== null && <span className="quiet"> · {formatEta(t.etaSeconds)}</span>}
          </>
        ) : (
          <span>
            {words[state]}
            {state === 'done' && <span className="quiet"> · {formatBytes(file.size)}</span>}
          </span>
        )}
      </span>
      <span className="transfer-actions">
        {t.error?.retryable && (
          <IconButton icon="retry" label={`Retry ${file.name}`} onClick={() => queue.retry(t.id)} />
        )}
        {isSettled(t) ? (
          <IconButton
            icon="close"
            label={`Remove ${file.name} from this list`}
            onClick={() => queue.dismiss(new Set([t.id]))}
          />
        ) : (
          <IconButton icon="close" label={`Cancel ${file.name}`} onClick={() => queue.cancel(t.id)} />
        )}
      </span>
      {(isActive(t) || state === 'waiting') && <Bar fraction={fraction} label={`Upload of ${file.name}`} />}
      {t.error && (
        <p className="transfer-error" role="alert">
          {t.error.message}
        </p>
      )}
    </li>
  )
}
