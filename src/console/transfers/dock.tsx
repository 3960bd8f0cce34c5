import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowUp, Check, ChevronDown, CircleAlert, Pause, Play, X } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { UploadItem } from '../../react/upload-list.ts'
import { leavingForDownload } from '../actions.ts'
import { Bar, IconButton } from '../components/basics.tsx'
import { uploads, useUploads } from '../uploads.ts'
import { useMedia } from '../use-media.ts'
import { Announcer } from './announcer.tsx'
import { TransferRow } from './transfer-row.tsx'
import { canPause, headline, isBusy, isSettled, waits } from './describe-transfer.ts'

/** Milliseconds until the dock closes after every upload succeeded. */
const closeDelayMs = 6000

/** The transfers at the bottom of every view: a summary line that expands to a row per file. */
export function TransfersDock() {
  const snapshot = useUploads()
  const { items, progress } = snapshot
  const [open, setOpen] = useState(true)
  const busy = items.some(isBusy)
  const failed = items.some(({ state }) => state === 'error')
  const allWell = items.length > 0 && items.every(({ state }) => state === 'success' || state === 'canceled')

  useEffect(() => {
    if (!allWell) return undefined
    const timer = setTimeout(() => uploads.reset(), closeDelayMs)
    return () => clearTimeout(timer)
  }, [allWell])

  useEffect(() => {
    if (!busy) return undefined
    const ask = (e: BeforeUnloadEvent): void => {
      if (!leavingForDownload()) e.preventDefault()
    }
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [busy])

  const close = (): void => {
    for (const { id } of items.filter(isSettled)) uploads.remove(id)
  }
  const Icon = busy ? ArrowUp : failed ? CircleAlert : Check
  const retryable = items.filter(({ state, error }) => state === 'error' && error?.retryable)
  const paused = items.filter(({ state }) => state === 'paused')
  return (
    <>
      <Announcer snapshot={snapshot} />
      {items.length > 0 && (
        <section className="dock" aria-label="Uploads">
          <Bar fraction={progress.percent / 100} label="All uploads" tone={busy ? 'accent' : failed ? 'bad' : 'good'} />
          <header className="dock-head">
            <button type="button" className="dock-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
              <ChevronDown className={open ? 'chevron' : 'chevron up'} />
              <Icon className={busy ? 'accent' : failed ? 'bad' : 'good'} />
              <span className="dock-title">{headline(snapshot)}</span>
              <span className="dock-waits">{waits(snapshot)}</span>
            </button>
            {items.filter(canPause).length > 1 && (
              <IconButton icon={Pause} label="Pause all" onClick={() => uploads.pause()} />
            )}
            {paused.length > 1 && <IconButton icon={Play} label="Resume all" onClick={() => uploads.resume()} />}
            {retryable.length > 1 && (
              <button
                type="button"
                className="text-button"
                onClick={() => retryable.forEach(({ id }) => uploads.retry(id))}
              >
                Retry all
              </button>
            )}
            {busy || paused.length > 0 ? (
              <button type="button" className="text-button" onClick={() => uploads.cancel()}>
                Cancel all
              </button>
            ) : (
              items.some(isSettled) && <IconButton icon={X} label="Close the list of uploads" onClick={close} />
            )}
          </header>
          {open && <Rows items={items} />}
        </section>
      )}
    </>
  )
}

const ranks = new Map([
  ['error', 0],
  ['needs-file', 1],
  ['queued', 3],
  ['success', 4],
  ['canceled', 4],
])

/** Running uploads and those that need the user come first. */
const inOrder = (items: readonly UploadItem[]): UploadItem[] =>
  items.toSorted((a, b) => (ranks.get(a.state) ?? 2) - (ranks.get(b.state) ?? 2))

function Rows({ items }: { items: readonly UploadItem[] }) {
  const isPhone = useMedia('(max-width: 640px), (pointer: coarse)')
  const box = useRef<HTMLDivElement>(null)
  const ordered = useMemo(() => inOrder(items), [items])
  const height = isPhone ? 84 : 52
  // oxlint-disable-next-line react/incompatible-library -- this page does not use the React compiler
  const virtual = useVirtualizer({
    count: ordered.length,
    estimateSize: () => height,
    overscan: 4,
    getScrollElement: () => box.current,
  })
  useEffect(() => virtual.measure(), [virtual, height])
  return (
    <div className="transfers" ref={box}>
      <ul style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const item = ordered[index]
          return item && <TransferRow key={item.id} item={item} top={start} index={index} count={ordered.length} />
        })}
      </ul>
    </div>
  )
}
