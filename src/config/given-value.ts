/** One value as the operator wrote it, before parsing. */
import type { ConfigProblem, Source } from './config-error.ts'

export type GivenValue = {
  key: string
  value: unknown
  /** True for text from a variable or a flag, which must be parsed as the key's type. */
  text: boolean
  source: Source
  /** For a value from a file, the line of a path inside the value. */
  line?: (path: readonly PropertyKey[]) => number
}

export type ParsedValue =
  | { ok: true; value: unknown; /** As a file would hold it. */ written: unknown }
  | { ok: false; problems: ConfigProblem[] }
