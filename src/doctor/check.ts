/** The type of a check, and the function that runs a list of checks. */

export type Outcome =
  | 'ok'
  | 'failed'
  /** The check could not be performed. */
  | 'unknown'

export type Finding = {
  outcome: Outcome
  /** One sentence. */
  message: string
  /** What to do. Every failed finding has one. */
  fix?: string
}

/** `name` is for example `clock`. A check that runs several times adds its subject: `cors:https://…`. */
export type Check<Subject> = {
  name: string
  /** Checks that must succeed before this one is meaningful. */
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
 * Runs the checks one after the other until `signal`. An interrupted check has no result. A check that throws is
 * `unknown`. `report` gets each result at once. `needs` may also name checks in `before`.
 */
export async function runChecks<Subject>(
  group: string,
  checks: readonly Check<Subject>[],
  subject: Subject,
  o: { report?: (result: Result) => void; signal?: AbortSignal; before?: readonly Result[] } = {},
): Promise<Result[]> {
  const results: Result[] = []
  for (const check of checks) {
    if (o.signal?.aborted) break
    const known = [...(o.before ?? []), ...results]
    const missing = check.needs?.find((name) => known.some((r) => r.check === name && r.outcome !== 'ok'))
    const finding =
      missing === undefined
        ? await check
            .run(subject)
            .catch((error: unknown) => unknown(`The check could not be performed: ${reason(error)}.`))
        : unknown(`Not checked, because ${missing} did not pass.`)
    if (o.signal?.aborted) break
    const result = { group, check: check.name, ...finding }
    results.push(result)
    o.report?.(result)
  }
  return results
}

export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  return error.message || code || error.name
}
