/** The requests as rows. Only rows near the viewport are rendered. */
import { CircleAlert, CircleCheck, CircleSlash, CircleX } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { memo, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import { formatBytes, formatMoment, splitName } from '../../format.ts'
import { navigate } from '../../route.ts'
import { useMedia } from '../../use-media.ts'
import { formatTime, formatTook, formatOutcome, subjectOf, type LogEntry } from './entry.ts'

const icons: Record<LogEntry['outcome'], LucideIcon> = {
  ok: CircleCheck,
  refused: CircleX,
  failed: CircleAlert,
  aborted: CircleSlash,
}

type Props = { entries: readonly LogEntry[]; hrefOf: (entry: LogEntry) => string }

/** The list's offset from the top of the page. */
function useTop(): { ref: (list: HTMLElement | null) => (() => void) | undefined; top: number } {
  const [top, setTop] = useState(0)
  const ref = useCallback((list: HTMLElement | null) => {
    if (!list) return undefined
    const measure = (): void => setTop(Math.round(list.getBoundingClientRect().top + scrollY))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [])
  return { ref, top }
}

export function RequestTable({ entries, hrefOf }: Props) {
  const isNarrow = useMedia('(max-width: 640px), (pointer: coarse)')
  const height = isNarrow ? 60 : 40
  const { ref, top } = useTop()
  // oxlint-disable-next-line react/incompatible-library -- nothing here is compiled to memoize
  const virtual = useWindowVirtualizer({
    count: entries.length,
    estimateSize: () => height,
    getItemKey: (i) => entries[i]!.id,
    overscan: 10,
    scrollMargin: top,
    scrollPaddingStart: 72,
    scrollPaddingEnd: 72,
  })
  useEffect(() => virtual.measure(), [virtual, height])
  useStableScroll(entries, height, top)
  const wanted = useRef<number | null>(null)
  const table = useRef<HTMLDivElement | null>(null)

  // The row may not be rendered before this point.
  useLayoutEffect(() => {
    if (wanted.current === null) return
    const link = table.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"] a`)
    link?.focus({ preventScroll: true })
    if (link) wanted.current = null
  })

  const onKeyDown = (e: KeyboardEvent): void => {
    const at = Number((e.target as Element).closest<HTMLElement>('[data-index]')?.dataset['index'])
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }
    const next = to[e.key]
    if (next === undefined || e.ctrlKey || e.metaKey || e.altKey || !entries[next]) return
    e.preventDefault()
    wanted.current = next
    virtual.scrollToIndex(next)
    // A row that is already rendered does not cause another render.
    table.current?.querySelector<HTMLElement>(`[data-index="${next}"] a`)?.focus({ preventScroll: true })
  }

  return (
    <div
      className="requests"
      role="table"
      aria-label="Requests"
      aria-rowcount={entries.length + 1}
      onKeyDown={onKeyDown}
      ref={table}
    >
      <div role="rowgroup" className="request-head">
        <div role="row" aria-rowindex={1} className="request-cells">
          <span role="columnheader">Time</span>
          <span role="columnheader">Method</span>
          <span role="columnheader">Key or path</span>
          <span role="columnheader">Outcome</span>
          <span role="columnheader">Duration</span>
          <span role="columnheader">Size</span>
        </div>
      </div>
      <div role="rowgroup" className="request-rows" ref={ref} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start, key }) => (
          <RequestRow
            key={key}
            entry={entries[index]!}
            href={hrefOf(entries[index]!)}
            index={index}
            top={start - top}
            height={height}
          />
        ))}
      </div>
    </div>
  )
}

type RowProps = { entry: LogEntry; href: string; index: number; top: number; height: number }

const RequestRow = memo(function RequestRow({ entry, href, index, top, height }: RowProps) {
  const { method, outcome, size, ms, time, keyOwner } = entry
  const Icon = icons[outcome]
  const subject = subjectOf(entry)
  const { head, tail } = splitName(subject)
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-outcome={outcome}
      className="request request-cells"
      style={{ transform: `translateY(${top}px)`, height }}
    >
      <span role="cell" className="request-time quiet">
        <time dateTime={time} title={formatMoment(time)}>
          {formatTime(time)}
        </time>
      </span>
      <span role="cell" className="request-method mono">
        {method}
      </span>
      <span role="cell" className="request-subject">
        <a
          href={href}
          className="mono"
          title={subject}
          aria-label={`${method} ${subject}, ${formatOutcome(entry)}`}
          onClick={(e) => {
            if (e.ctrlKey || e.metaKey || e.shiftKey) return
            e.preventDefault()
            navigate(href)
          }}
        >
          <bdi className="file-name">
            <span className="file-name-head">{head}</span>
            {tail && <span className="file-name-tail">{tail}</span>}
          </bdi>
        </a>
        {keyOwner !== null && <span className="request-user quiet">{keyOwner}</span>}
      </span>
      <span role="cell" className="request-outcome">
        <Icon />
        <span>{formatOutcome(entry)}</span>
      </span>
      <span role="cell" className="request-took quiet">
        {formatTook(ms)}
      </span>
      <span role="cell" className="request-size quiet">
        {size === null ? '' : formatBytes(size)}
      </span>
    </div>
  )
})

/** Keeps the position of a user who has scrolled down while new requests are added above. */
function useStableScroll(entries: readonly LogEntry[], height: number, top: number): void {
  const first = useRef<string | undefined>(undefined)
  useEffect(() => {
    const before = first.current
    first.current = entries[0]?.id
    if (before === undefined || before === first.current || scrollY <= top) return
    const added = entries.findIndex(({ id }) => id === before)
    if (added > 0) scrollBy(0, added * height)
  }, [entries, height, top])
}
