/** Fault rules: which requests they match, when they fire, and what then happens. See docs/faults.md for each field. */

/** A duration: seconds, or text such as `500ms`, `20m`, `8d`. */
type Duration = number | string
/** Bytes of the body, or a percentage of its declared length (`50%`). */
export type Offset = number | string
type Place = 'request' | 'headers' | Offset
type Names = string | string[]
type Direction = 'upload' | 'download'

/** Absent fields match everything. In `bucket`, `key` and `header`, `*` is any text without a slash, `**` any text. */
export type Match = {
  api?: 'objects' | 'api' | undefined
  operation?: Names | undefined
  method?: Names | undefined
  bucket?: string | undefined
  key?: string | undefined
  presigned?: boolean | undefined
  part?: number | undefined
  attempt?: number | undefined
  header?: Record<string, string> | undefined
  accessKey?: string | undefined
}

type When<D, R> = {
  skip?: number | undefined
  times?: number | undefined
  probability?: number | undefined
  rate?: R | undefined
  for?: D | undefined
  after?: { operation: Names; for: D } | undefined
  per?: 'request' | 'connection' | undefined
}
type RateBy = 'key' | 'bucket' | 'accessKey' | 'server'
type Rate = { limit: number; per: number; by: RateBy }
type RateInput = { limit: number; per?: Duration | undefined; by?: RateBy | undefined }

type InjectedErrorForm = {
  code: string
  status?: number | undefined
  message?: string | undefined
  /** Seconds. */
  retryAfter?: number | undefined
  in200?: boolean | undefined
  at?: Offset | undefined
}

/** One effect. `delay` and `bandwidth` combine with another one. */
type Effects<D, P> = {
  error?: InjectedErrorForm | undefined
  redirect?: { location?: string | undefined } | undefined
  stall?: ({ for?: D | undefined; of?: Direction | undefined } & P) | undefined
  reset?: ({ of?: Direction | undefined } & P) | undefined
  truncate?: { at: Offset } | undefined
  corrupt?: { at?: Offset | undefined; of?: Direction | undefined } | undefined
  dropHeaders?: string[] | undefined
  stale?: { for: D } | undefined
  forgetUpload?: true | undefined
  skew?: { by: D; behind?: boolean | undefined } | undefined
  delay?: { ms: number; jitter?: number | undefined } | undefined
  /** Bytes per second. */
  bandwidth?: { up?: number | undefined; down?: number | undefined } | undefined
}

export type Effect = Effects<number, { at: Place }>

/** A rule as a test writes it. */
export type RuleInput = {
  id?: string | undefined
  match?: Match | undefined
  when?: When<Duration, RateInput> | undefined
  /** The operation takes effect before the fault. Only with `error`, `reset` and `stall`. */
  applied?: boolean | undefined
  effect: Effects<Duration, { at?: Place | undefined }>
}

export type Rule = {
  id: string
  match: Match
  when: When<number, Rate>
  applied: boolean
  effect: Effect
  /** Requests that matched. */
  seen: number
  /** Requests that the rule changed. */
  hit: number
}
