/** The problems that `postern verify` can find. The names are part of its JSON output. See docs/verify.md. */

/** `damage`: stored bytes or facts are missing or wrong. `leftover`: nothing refers to it, so it only costs space. */
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

/** `left`: not repaired, or repair was not requested. `failed`: repair was attempted, and `detail` gives the error. */
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

/** The number of checked items, by name. */
export type Checked = Record<string, number>

export type Report = {
  problem(found: Problem): void
  /** Adds `by` (default 1) to the checked items named `what`. */
  count(what: string, by?: number): void
}
