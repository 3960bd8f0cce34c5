/**
 * The model of one key of a bucket, as S3 documents it: the object and the multipart uploads. A value is the name of a
 * body that one client wrote once.
 */
import type { Model } from './checker.ts'

export type Value = string

/** `result` is what was answered; it is left out while the outcome is unknown. */
export type ObjectAction =
  | { kind: 'put'; value: Value; condition?: Condition; result?: WriteResult }
  | { kind: 'delete'; result?: 'deleted' }
  /** GET, HEAD, or the key's place in a listing: null is 404, or not listed. */
  | { kind: 'get' | 'head' | 'list'; result?: Value | null }
  | { kind: 'complete'; upload: string; value: Value; result?: 'completed' | 'no such upload' }
  | { kind: 'abort'; upload: string; result?: 'aborted' | 'no such upload' }

/** If-None-Match: *, or If-Match with the ETag of a value. */
export type Condition = 'absent' | { is: Value }
/** 200, 412, 404, 409. A conflict is answered to one of several writes that run at once: it did nothing. */
export type WriteResult = 'stored' | 'condition failed' | 'no object' | 'conflict'

export type ObjectState = {
  value: Value | null
  /** Uploads that are no longer open. */
  ended: Readonly<Record<string, 'completed' | 'aborted'>>
}

const holds = (condition: Condition | undefined, value: Value | null): boolean =>
  condition === undefined || (condition === 'absent' ? value === null : value === condition.is)

export const objectModel: Model<ObjectState, ObjectAction> = {
  initial: { value: null, ended: {} },

  apply(state, action, isKnown) {
    const { value, ended } = state
    switch (action.kind) {
      case 'get':
      case 'head':
      case 'list':
        return action.result === value ? state : undefined
      case 'put': {
        const isMet = holds(action.condition, value)
        if (!isKnown || action.result === 'stored') return isMet ? { ...state, value: action.value } : undefined
        if (action.result === 'no object') return value === null && !isMet ? state : undefined
        if (action.result === 'condition failed') return isMet ? undefined : state
        return state
      }
      case 'delete':
        return { ...state, value: null }
      case 'complete': {
        const before = ended[action.upload]
        if (action.result === 'no such upload') return before === undefined ? undefined : state
        if (before === undefined) return { value: action.value, ended: { ...ended, [action.upload]: 'completed' } }
        // The same call again answers as the first did, and does nothing.
        return isKnown && before === 'completed' ? state : undefined
      }
      case 'abort': {
        const before = ended[action.upload]
        if (action.result === 'no such upload') return before === undefined ? undefined : state
        if (before === undefined) return { ...state, ended: { ...ended, [action.upload]: 'aborted' } }
        // Ceph answers 204 to an upload that is gone already, others 404.
        return isKnown ? state : undefined
      }
    }
  },

  isRead: (action) =>
    action.kind === 'get' ||
    action.kind === 'head' ||
    action.kind === 'list' ||
    (action.kind === 'put' && action.result !== undefined && action.result !== 'stored') ||
    (action.kind !== 'delete' && action.kind !== 'put' && action.result === 'no such upload'),

  id: ({ value, ended }) => `${value} ${Object.entries(ended).toSorted().join(' ')}`,
}
