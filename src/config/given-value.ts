/** One value that somebody wrote, before it is understood. */
import type { ConfigProblem, Source } from './config-error.ts'

export type GivenValue = {
  key: string
  value: unknown
  /** The value is text from a variable or a flag, to be read as the key's type. */
  text: boolean
  source: Source
  /** In a file: the line of what stands at this path inside the value. */
  line?: (path: readonly PropertyKey[]) => number
}

export type ParsedValue =
  | { ok: true; value: unknown; /** As a file would hold it. */ written: unknown }
  | { ok: false; problems: ConfigProblem[] }
