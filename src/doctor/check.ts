/** What a check is, and how a list of them is run. */

export type Outcome =
  | 'ok'
  | 'failed'
  /** It could not be checked: no verdict either way. */
  | 'unknown'

export type Finding = {
  outcome: Outcome
  /** One sentence: what was found. */
  message: string
  /** What to do; of every failed one. */
  fix?: string
}

/** `name` of a check, e.g. `clock`; one that is there several times has its subject behind a colon, `cors:https://…`. */
export type Check<Subject> = {
  name: string
  /** Checks without whose success this one says nothing. */
  needs?: readonly string[]
  run(subject: Subject): Promise<Finding>
}

export type Result = Finding & { check: string; group: string }

export const ok = (message: string): Finding => ({ outcome: 'ok', message })
export const failed = (message: string, fix: string): Finding => ({ outcome: 'failed', message, fix })
export const unknown = (message: string, fix?: string): Finding => ({
  outcome: 'unknown',
  message,
  ...(fix === undefined ? {} : { fix }),
})

/**
 * One by one, in order, until `signal`; what it cuts off has no result. What a check throws is no verdict on what it
 * checks. `tell` hears of each as it comes; `before` are results that `needs` may name as well.
 */
export async function runChecks<Subject>(
  group: string,
  checks: readonly Check<Subject>[],
  subject: Subject,
  o: { tell?: (result: Result) => void; signal?: AbortSignal; before?: readonly Result[] } = {},
): Promise<Result[]> {
  const results: Result[] = []
  for (const check of checks) {
    if (o.signal?.aborted) break
    const known = [...(o.before ?? []), ...results]
    const missing = check.needs?.find((name) => known.some((r) => r.check === name && r.outcome !== 'ok'))
    const finding =
      missing === undefined
        ? await check.run(subject).catch((error: unknown) => unknown(`It could not be checked: ${reason(error)}.`))
        : unknown(`Not checked: ${missing} comes first.`)
    if (o.signal?.aborted) break
    const result = { group, check: check.name, ...finding }
    results.push(result)
    o.tell?.(result)
  }
  return results
}

export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  return error.message || code || error.name
}
