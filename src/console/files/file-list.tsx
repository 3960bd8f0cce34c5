/** Files as rows or tiles. Only those near the viewport and the focused one are rendered. */
import { defaultRangeExtractor, useWindowVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import type { FileRecord } from '../api.ts'
import { useMedia } from '../use-media.ts'
import { useNow } from '../use-now.ts'
import { actionOfKey } from './file-actions.ts'
import type { FileActions } from './file-actions.ts'
import { FileItem } from './file-item.tsx'

export type Layout = 'table' | 'grid'

const tileWidth = 184
const tileHeight = 208
const rowHeights = { mouse: 40, touch: 60 }

/** The list's offset from the top of the page and its width. */
function useBox(): { ref: (list: HTMLElement | null) => (() => void) | undefined; top: number; width: number } {
  const [box, setBox] = useState({ top: 0, width: 0 })
  const ref = useCallback((list: HTMLElement | null) => {
    if (!list) return undefined
    const measure = (): void => {
      const { top, width } = list.getBoundingClientRect()
      setBox((was) => {
        const now = { top: Math.round(top + scrollY), width: Math.round(width) }
        return was.top === now.top && was.width === now.width ? was : now
      })
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(list)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [])
  return { ref, ...box }
}

type Props = {
  files: readonly FileRecord[]
  layout: Layout
  actions: FileActions
  /** Called when the user scrolls near the end of the loaded files. */
  onEnd: () => void
}

export function FileList({ files, layout, actions, onEnd }: Props) {
  const now = useNow(30_000)
  const isTouch = useMedia('(max-width: 640px), (pointer: coarse)')
  const { ref, top, width } = useBox()
  const [activeId, setActiveId] = useState<string | null>(null)
  const wanted = useRef<string | null>(null)
  const list = useRef<HTMLUListElement>(null)

  const columns = layout === 'table' ? 1 : Math.max(2, Math.floor(width / tileWidth))
  const height = layout === 'grid' ? tileHeight : isTouch ? rowHeights.touch : rowHeights.mouse
  const rows = Math.ceil(files.length / columns)
  const active = Math.max(
    0,
    files.findIndex((f) => f.id === activeId),
  )
  const activeRow = Math.floor(active / columns)
  // oxlint-disable-next-line react/incompatible-library -- this page does not use the React compiler
  const virtual = useWindowVirtualizer({
    count: rows,
    estimateSize: () => height,
    overscan: layout === 'grid' ? 2 : 8,
    scrollMargin: top,
    // The top bar and the dock cover the content below them.
    scrollPaddingStart: 72,
    scrollPaddingEnd: 96,
    rangeExtractor: (range) => {
      const shown = defaultRangeExtractor(range)
      return shown.includes(activeRow) || rows === 0 ? shown : [...shown, activeRow].toSorted((a, b) => a - b)
    },
  })
  useEffect(() => virtual.measure(), [virtual, height, columns])

  const items = virtual.getVirtualItems()
  const lastShown = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (lastShown >= rows - 12) onEnd()
  }, [lastShown, rows, onEnd])

  // The row may not be rendered before this point.
  useLayoutEffect(() => {
    if (wanted.current === null) return
    const row = list.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(wanted.current)}"] .file-open`)
    row?.focus({ preventScroll: true })
    if (row) wanted.current = null
  })

  const focus = (index: number): void => {
    const file = files[Math.min(files.length - 1, Math.max(0, index))]
    if (!file) return
    wanted.current = file.id
    setActiveId(file.id)
    const row = Math.floor(files.indexOf(file) / columns)
    // For the first row, also scroll to the header above the list.
    if (row === 0) scrollTo({ top: 0 })
    else virtual.scrollToIndex(row)
  }

  const onKeyDown = (e: KeyboardEvent): void => {
    const at = Number((e.target as Element).closest<HTMLElement>('[data-index]')?.dataset['index'] ?? active)
    const file = files[at]
    const action = actionOfKey(e)
    // Space activates the focused button, unless it is the file itself.
    const isFile = (e.target as Element).classList.contains('file-open')
    if (file && action && (isFile || action !== 'look')) {
      e.preventDefault()
      if (action === 'remove') focus(at + 1 < files.length ? at + 1 : at - 1)
      return actions[action](file)
    }
    const page = Math.max(1, Math.floor(innerHeight / height) - 3)
    const to: Record<string, number> = {
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      PageDown: at + page * columns,
      PageUp: at - page * columns,
      Home: 0,
      End: files.length - 1,
      ...(layout === 'grid' ? { ArrowRight: at + 1, ArrowLeft: at - 1 } : {}),
    }
    const next = to[e.key]
    if (next === undefined || e.ctrlKey || e.metaKey || e.altKey) return
    e.preventDefault()
    focus(next)
  }

  return (
    <ul
      className={`files ${layout}`}
      aria-label="Files"
      ref={(element) => {
        list.current = element
        return ref(element)
      }}
      style={{ height: virtual.getTotalSize() }}
      onKeyDown={onKeyDown}
      onFocus={(e) => setActiveId(e.target.closest<HTMLElement>('[data-id]')?.dataset['id'] ?? null)}
    >
      {items.flatMap((row) =>
        files.slice(row.index * columns, (row.index + 1) * columns).map((file, i) => (
          <FileItem
            key={file.id}
            file={file}
            now={now}
            active={row.index * columns + i === active}
            index={row.index * columns + i}
            count={files.length}
            place={{
              top: row.start - top,
              height,
              start: `${(i / columns) * 100}%`,
              width: `${100 / columns}%`,
            }}
            actions={actions}
          />
        )),
      )}
    </ul>
  )
}
