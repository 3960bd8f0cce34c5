/**
 * An ISO 8601 date and time with a zone, in milliseconds. undefined if it is anything else, or a day that does not
 * exist: Date.parse reads 30 February as 2 March.
 */
export function isoTime(text: string): number | undefined {
  const [, day] = /^(\d{4}-\d\d-\d\d)T[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/.exec(text) ?? []
  if (day === undefined) return undefined
  const midnight = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(day)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}
