/** Formats numbers, times and names for people. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `0 B`, `48.2 KiB`, `1.5 GiB`: at most three digits, in the units used by the configuration. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  const digits = power === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(digits).replace(/\.0+$|(?<=\.\d)0$/, '')} ${units[power]}`
}

/** `46.8 of 89.6 MiB`, `700 KiB of 1.2 MiB`. */
export function formatBytesOf(bytes: number, total: number): string {
  const [part, whole] = [formatBytes(bytes), formatBytes(total)]
  const unit = / \w+$/.exec(whole)?.[0] ?? ''
  return `${part.endsWith(unit) ? part.slice(0, -unit.length) : part} of ${whole}`
}

export const formatSpeed = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`

/** `8 s left`, `2:05 left`, `1 h 20 min left`. */
export function formatEta(seconds: number): string {
  const s = Math.max(1, Math.round(seconds))
  if (s < 60) return `${s} s left`
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')} left`
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min left`
  return `${Math.round(s / 86_400)} days left`
}

/** `45 seconds`, `90 minutes`, `1 hour`, `7 days`. */
export function formatDuration(seconds: number): string {
  const wholeHours = seconds % 3600 === 0
  const count = (size: number, noun: string): string => plural(Math.round(seconds / size), noun)
  if (seconds < 90) return count(1, 'second')
  if (seconds < 7200 && !wholeHours) return count(60, 'minute')
  return seconds < 48 * 3600 ? count(3600, 'hour') : count(86_400, 'day')
}

const dayMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const dayMonthYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'medium' })

export const formatMoment = (iso: string): string => full.format(new Date(iso))

/** `just now`, `5 min ago`, `14:05`, `3 Nov`, `3 Nov 2024`. */
export function formatAgo(iso: string, now: Date): string {
  const then = new Date(iso)
  const minutes = Math.floor((now.getTime() - then.getTime()) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  if (then.toDateString() === now.toDateString()) return clock.format(then)
  return (then.getFullYear() === now.getFullYear() ? dayMonth : dayMonthYear).format(then)
}

/** Control characters that reorder text could make `exe.gpj` look like `jpg.exe`. They are shown as a box. */
const reordering = /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/

export const displayName = (filename: string): string => filename.replace(reordering, '\u25a1')

/**
 * Splits a name in two so that a long one is shortened in the middle and keeps its ending. Joined scripts are not
 * split, because cutting them changes the shape of the letters.
 */
export function splitName(filename: string): { head: string; tail: string } {
  const name = displayName(filename)
  const characters = Array.from(name)
  if (characters.length < 24 || rightToLeft.test(name)) return { head: name, tail: '' }
  return { head: characters.slice(0, -10).join(''), tail: characters.slice(-10).join('') }
}

/** Shortens keys, ids and URLs in the middle, because both ends distinguish them. */
export function shorten(text: string, max = 32): string {
  const characters = Array.from(text)
  if (characters.length <= max) return text
  const head = Math.ceil((max - 1) * 0.6)
  return `${characters.slice(0, head).join('')}…${characters.slice(head + 1 - max).join('')}`
}

const plainTypes: Record<string, string> = {
  'application/pdf': 'PDF',
  'application/json': 'JSON',
  'application/zip': 'ZIP archive',
  'text/plain': 'Text',
  'text/csv': 'CSV table',
  'image/svg+xml': 'SVG image',
}

/** `JPEG image`, `PDF`, `MP4 video`. Types without a common name are shown as they are. */
export function formatType(mimeType: string): string {
  const known = plainTypes[mimeType]
  if (known) return known
  const match = /^(image|video|audio)\/(?:x-)?([\w-]+)/.exec(mimeType)
  return match?.[1] && match[2] ? `${match[2].toUpperCase()} ${match[1]}` : mimeType
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
