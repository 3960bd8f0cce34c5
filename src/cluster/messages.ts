/** What the processes of one gateway say to each other, as JSON over the channel that node:cluster gives them. */
import type { Peers } from '../drivers/peers.ts'

/** What a worker is told when it is forked. */
export type Role = Pick<Peers, 'index' | 'count' | 'isReplacement'>

/** Of each key that changed: the count, not the difference, so that a word more or less does no harm. */
export type Changed = [key: string, count: number][]

export type Ready = {
  apiUrl: string
  objectsUrl: string | null
  /** Why no uploads are accepted, where the worker serves and its store or database cannot be used. */
  notReady: string | null
}

export type FromWorker =
  | { postern: 'ready'; addresses: Ready }
  | { postern: 'failed'; message: string; exitCode: 1 | 2 }
  | { postern: 'ask'; id: number; question: string; about: unknown }
  | { postern: 'answer'; id: number; value: unknown; isAnswered: boolean }
  /** What this worker counts. */
  | { postern: 'counts'; changed: Changed }

export type FromPrimary =
  | { postern: 'stop' }
  | { postern: 'question'; id: number; question: string; about: unknown }
  | { postern: 'answers'; id: number; values: unknown[] | null }
  /** What all other workers count together. */
  | { postern: 'counts'; changed: Changed }

/** Packages use the same channel: what is not ours is left to them. */
export const isOurs = <T extends FromWorker | FromPrimary>(message: unknown): message is T =>
  typeof message === 'object' && message !== null && 'postern' in message
