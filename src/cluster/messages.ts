/** Messages between the processes of one gateway, as JSON over node:cluster's channel. */
import type { Peers } from '../drivers/peers.ts'

/** What a worker receives when it is forked. */
export type Role = Pick<Peers, 'index' | 'count' | 'isReplacement'>

/** The new count of each changed key. Absolute, so that a lost or repeated message does no harm. */
export type Changed = [key: string, count: number][]

export type Ready = {
  apiUrl: string
  objectsUrl: string | null
  /** Why no uploads are accepted, if the worker serves but its store or database is unusable. */
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
  /** The total of all other workers. */
  | { postern: 'counts'; changed: Changed }

/** Packages use the same channel. Their messages are ignored. */
export const isOurs = <T extends FromWorker | FromPrimary>(message: unknown): message is T =>
  typeof message === 'object' && message !== null && 'postern' in message
