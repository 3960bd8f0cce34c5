/** The progress of the scrub, kept over restarts in `scrub.json`. If it is lost, the pass starts again. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isBlobId } from './blob-layout.ts'

/** Times are milliseconds. */
export type ScrubState = {
  /** The last blob that was read completely in this pass. */
  cursor: string
  /** Intact bytes read so far of the next blob. */
  offset: number
  startedAt: number | null
  finishedAt: number | null
  passes: number
  /** Counts of the current pass. */
  blobs: number
  bytes: number
  damaged: Set<string>
}

const path = (root: string): string => join(root, 'scrub.json')

export function readScrubState(root: string): ScrubState {
  const found = parse(root)
  const number = (value: unknown): number => (typeof value === 'number' && value >= 0 ? value : 0)
  const time = (value: unknown): number | null => (typeof value === 'number' ? value : null)
  const isId = (value: unknown): value is string => typeof value === 'string' && isBlobId(value)
  return {
    cursor: isId(found['cursor']) ? found['cursor'] : '',
    offset: number(found['offset']),
    startedAt: time(found['startedAt']),
    finishedAt: time(found['finishedAt']),
    passes: number(found['passes']),
    blobs: number(found['blobs']),
    bytes: number(found['bytes']),
    damaged: new Set(Array.isArray(found['damaged']) ? found['damaged'].filter(isId) : []),
  }
}

function parse(root: string): Record<string, unknown> {
  try {
    return (JSON.parse(readFileSync(path(root), 'utf8')) as Record<string, unknown> | null) ?? {}
  } catch {
    return {}
  }
}

/** Writes the file atomically. Not synced, because it may be lost. */
export function writeScrubState(root: string, state: ScrubState): void {
  const temp = `${path(root)}.tmp`
  writeFileSync(temp, `${JSON.stringify({ ...state, damaged: [...state.damaged] })}\n`, { mode: 0o600 })
  renameSync(temp, path(root))
}
