/** The ISO 8601 basic format that Signature V4 uses: `20130524T000000Z`. */

/**
 * Truncates to whole seconds, so the signed time is never later than `date`. Throws RangeError for years outside 0 to
 * 9999.
 */
export function formatAmzDate(date: Date): string {
  const iso = date.toISOString()
  if (iso.length !== 24) throw new RangeError('a signing date must be in the years 0 to 9999')
  return `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`
}

/** null unless the text is such a date and the day exists. */
export function parseAmzDate(text: string): Date | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (!match) return null
  const [, year, month, day, hour, minute, second] = match
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  // Date.parse rolls over 30 February and accepts 24:00:00. Neither formats back to the same text.
  return Number.isNaN(date.getTime()) || formatAmzDate(date) !== text ? null : date
}
