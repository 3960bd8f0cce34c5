/** What `postern verify` can find. The words are part of its JSON output: see docs/verify.md. */

/**
 * `damage`: bytes or facts that were promised are not there. `leftover`: what nothing refers to any more; it costs space
 * alone.
 */
export const problemKinds = {
  // the object index
  'index-damaged': 'damage',
  'index-differs': 'damage',
  'log-damaged': 'damage',
  'object-without-blob': 'damage',
  'object-parts': 'damage',
  'object-without-bucket': 'damage',
  'part-without-blob': 'damage',
  'blob-marked-garbage': 'damage',
  'blob-without-object': 'leftover',
  'segments-without-object': 'leftover',
  'part-without-upload': 'leftover',
  // blobs
  'blob-missing': 'damage',
  'blob-quarantined': 'damage',
  'blob-size': 'damage',
  'blob-appended': 'leftover',
  'blob-unreadable': 'damage',
  'blob-damaged': 'damage',
  'object-digest': 'damage',
  'blob-without-row': 'leftover',
  'temp-file': 'leftover',
  // the catalog against the store
  'file-without-object': 'damage',
  'file-differs': 'damage',
  'file-damaged': 'damage',
  'upload-without-session': 'leftover',
  'session-without-upload': 'leftover',
  'object-without-file': 'leftover',
  usage: 'damage',
} as const satisfies Record<string, 'damage' | 'leftover'>

export type ProblemKind = keyof typeof problemKinds

/** `left`: not repaired, or only looked at. `failed`: repair was tried; `detail` says why it failed. */
export type Repair = 'left' | 'quarantined' | 'removed' | 'corrected' | 'failed'

export type Problem = {
  kind: ProblemKind
  /** For people. */
  detail: string
  repair: Repair
  blob?: string
  bucket?: string
  key?: string
  uploadId?: string
  partNumber?: number
  /** Id of the file in the catalog. */
  file?: string
  owner?: string
}

/** What was looked at, by name. */
export type Checked = Record<string, number>

export type Report = {
  problem(found: Problem): void
  /** `by` more of `what` were looked at. */
  count(what: string, by?: number): void
}
