/**
 * The model of one file of the JSON API. Its upload is granted and its bytes are stored. It can be confirmed, renamed,
 * read and deleted.
 */
import type { Model } from './checker.ts'

/** `result` is left out while the outcome is unknown. */
export type FileAction =
  | { kind: 'confirm'; result?: 'created' | 'confirmed before' | 'no such file' }
  | { kind: 'rename'; name: string; result?: 'renamed' | 'no such file' }
  | { kind: 'delete'; result?: 'deleted' | 'no such file' }
  /** The record, or the file's place in the list; null: 404, or not listed. */
  | { kind: 'read' | 'list'; result?: FileState | null }

export type FileState = { status: 'pending' | 'confirmed'; name: string }

export const fileModel = (name: string): Model<FileState | null, FileAction> => ({
  initial: { status: 'pending', name },

  apply(state, action, isKnown) {
    if (action.kind === 'read' || action.kind === 'list')
      return idOf(state) === idOf(action.result ?? null) ? state : undefined
    if (action.result === 'no such file') return state === null ? state : undefined
    if (state === null) return undefined
    switch (action.kind) {
      case 'confirm': {
        const isNew = state.status === 'pending'
        if (isKnown && isNew !== (action.result === 'created')) return undefined
        return isNew ? { ...state, status: 'confirmed' } : isKnown ? state : undefined
      }
      case 'rename':
        return { ...state, name: action.name }
      case 'delete':
        return null
    }
  },

  isRead: ({ kind, result }) =>
    kind === 'read' || kind === 'list' || result === 'no such file' || result === 'confirmed before',

  id: idOf,
})

const idOf = (state: FileState | null): string => (state === null ? 'gone' : `${state.status} ${state.name}`)
