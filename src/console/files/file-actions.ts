/** File actions, shared by buttons, keyboard shortcuts, the drawer and the preview. */
import type { FileRecord } from '../api.ts'

export type FileActions = {
  show: (file: FileRecord) => void
  look: (file: FileRecord) => void
  download: (file: FileRecord) => void
  copyLink: (file: FileRecord) => void
  remove: (file: FileRecord) => void
}

/** The action for a key pressed on a file. undefined for other keys. */
export function actionOfKey(e: {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  shiftKey: boolean
}): Exclude<keyof FileActions, 'show'> | undefined {
  if (e.ctrlKey || e.metaKey || e.altKey) return undefined
  if (e.key === 'Delete' || (e.key === 'Backspace' && e.shiftKey)) return 'remove'
  if (e.key === ' ') return 'look'
  if (e.key === 'l') return 'copyLink'
  return e.key === 'd' ? 'download' : undefined
}
