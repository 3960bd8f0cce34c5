import { useEffect, useState } from 'react'
import { carriesFiles, filesOf } from './dropped-files.ts'
import type { FoundFile } from './dropped-files.ts'
import type { DraggedItem } from './describe-drop.ts'

/**
 * Accepts files dropped or pasted anywhere in the window. Returns the items being dragged over it: empty if the
 * browser does not report them, null if nothing is dragged.
 */
export function useFilesFromWindow(onFiles: (files: FoundFile[]) => void, enabled: boolean): DraggedItem[] | null {
  const [dragged, setDragged] = useState<DraggedItem[] | null>(null)
  useEffect(() => {
    if (!enabled) return
    let depth = 0
    const take = async (transfer: DataTransfer): Promise<void> => {
      onFiles(await filesOf(transfer))
    }
    const over = (e: DragEvent): void => {
      if (!e.dataTransfer || !carriesFiles(e.dataTransfer)) return
      e.preventDefault()
      e.dataTransfer.dropEffect = 'copy'
    }
    // Enter and leave events fire for every element crossed. Only their sum shows whether the pointer left the
    // window.
    const enter = (e: DragEvent): void => {
      if (!carriesFiles(e.dataTransfer)) return
      depth += 1
      if (depth === 1) setDragged(draggedItems(e.dataTransfer))
    }
    const leave = (e: DragEvent): void => {
      if (!carriesFiles(e.dataTransfer)) return
      depth = Math.max(0, depth - 1)
      if (depth === 0) setDragged(null)
    }
    const drop = (e: DragEvent): void => {
      depth = 0
      setDragged(null)
      if (!e.dataTransfer || !carriesFiles(e.dataTransfer)) return
      e.preventDefault()
      void take(e.dataTransfer)
    }
    const paste = (e: ClipboardEvent): void => {
      if (!e.clipboardData || !carriesFiles(e.clipboardData)) return
      e.preventDefault()
      void take(e.clipboardData)
    }
    const off = new AbortController()
    const { signal } = off
    addEventListener('dragover', over, { signal })
    addEventListener('dragenter', enter, { signal })
    addEventListener('dragleave', leave, { signal })
    addEventListener('drop', drop, { signal })
    addEventListener('paste', paste, { signal })
    return () => off.abort()
  }, [onFiles, enabled])
  return dragged
}

/** Before the drop, browsers report types and usually no sizes. */
const draggedItems = (transfer: DataTransfer | null): DraggedItem[] =>
  Array.from(transfer?.items ?? [])
    .filter(({ kind }) => kind === 'file')
    .map((item) => ({ type: item.type, size: item.getAsFile()?.size ?? null }))
