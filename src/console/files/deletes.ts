/** Deletes that can still be undone: gone from the list, not yet from the server. */
import { ApiError, deleteFile } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { displayName } from '../format.ts'
import { Store } from '../store.ts'
import { toasts } from '../toasts.ts'
import { dropFiles, reloadFiles } from './records.ts'

export const undoSeconds = 8

export const deletes = new Store<{ deleting: readonly FileRecord[] }>({ deleting: [] })
let timer: ReturnType<typeof setTimeout> | undefined

export function deleteLater(file: FileRecord): void {
  const { deleting } = deletes.get()
  if (deleting.some((f) => f.id === file.id)) return
  deletes.set({ deleting: [...deleting, file] })
  clearTimeout(timer)
  timer = setTimeout(() => void commitDeletes(), undoSeconds * 1000)
}

export function undoDeletes(): void {
  clearTimeout(timer)
  const count = deletes.get().deleting.length
  if (count === 0) return
  deletes.set({ deleting: [] })
  toasts.say(count === 1 ? 'The file is back.' : `${count} files are back.`)
}

/** `leaving`: the page goes away, and only requests marked so outlive it. */
export async function commitDeletes(leaving = false): Promise<void> {
  clearTimeout(timer)
  const { deleting } = deletes.get()
  if (deleting.length === 0) return
  dropFiles(new Set(deleting.map((f) => f.id)))
  deletes.set({ deleting: [] })
  const results = await Promise.allSettled(deleting.map((f) => deleteFile(f.id, leaving)))
  results.forEach((result, i) => {
    if (result.status === 'fulfilled') return
    const error: unknown = result.reason
    if (error instanceof ApiError && error.status === 404) return // someone else was faster
    const why = error instanceof Error ? error.message : ''
    toasts.say(`${displayName(deleting[i]?.filename ?? '')} was not deleted. ${why}`, 'bad')
  })
  reloadFiles()
}
