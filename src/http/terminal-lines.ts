/** Formats log entries for a terminal: one line per request, with the reason of a refusal. */

type Entry = Record<string, unknown> & { level: number; time: number; msg?: string }

const levels: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }
const colors = { gray: 90, red: 31, yellow: 33, green: 32 } as const

// oxlint-disable-next-line no-control-regex -- these are the characters to replace
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Replaces the control characters that a terminal interprets. Tabs and line feeds are kept. */
export const printable = (text: string): string => text.replace(controls, '\uFFFD')

const oneLine = (text: string): string => printable(text).replace(/[\t\n]/g, ' ')

/** Creates a formatter from pino's JSON lines to readable lines. `color` adds ANSI colors. */
export function createTerminalFormat(color: boolean): (line: string) => string {
  const paint = (name: keyof typeof colors, text: string): string =>
    color ? `\u001b[${colors[name]}m${text}\u001b[39m` : text
  return (line) => {
    const entry = JSON.parse(line) as Entry
    const time = paint('gray', new Date(entry.time).toTimeString().slice(0, 8))
    return `${time} ${isRequest(entry) ? requestLine(entry, paint) : eventLine(entry, paint)}\n`
  }
}

type Paint = (name: keyof typeof colors, text: string) => string
type RequestEntry = Entry & { method: string; url: string; status: number; ms: number }

const isRequest = (entry: Entry): entry is RequestEntry => typeof entry['method'] === 'string' && 'status' in entry

function requestLine(entry: RequestEntry, paint: Paint): string {
  const { method, url, status, ms, code, reason, details } = entry
  const shown = status === 0 ? 'aborted' : String(status)
  const words = [method, oneLine(url.split('?')[0] ?? ''), paint(statusColor(status), shown)]
  if (typeof code === 'string') words.push(`${paint('yellow', code)}: ${oneLine(String(reason))}`)
  else words.push(paint('gray', `${Math.round(ms)} ms`))
  if (typeof details === 'string') words.push(paint('gray', `→ ${details}`))
  return words.join(' ')
}

function statusColor(status: number): keyof typeof colors {
  if (status === 0 || status >= 500) return 'red'
  return status >= 400 ? 'yellow' : 'green'
}

const ownFields = new Set(['level', 'time', 'msg', 'err'])

function eventLine(entry: Entry, paint: Paint): string {
  const { level, msg = '', err } = entry
  const name = levels[level] ?? String(level)
  const shown = level >= 50 ? paint('red', name) : level >= 40 ? paint('yellow', name) : name
  const rest = Object.entries(entry)
    .filter(([key]) => !ownFields.has(key))
    .map(([key, value]) => `${key}=${valueText(value)}`)
  const stack = (err as { stack?: unknown } | undefined)?.stack
  return [
    [shown, oneLine(msg), ...rest.map((pair) => paint('gray', oneLine(pair)))].join(' '),
    ...(typeof stack === 'string' ? [paint('gray', printable(stack))] : []),
  ].join('\n')
}

const valueText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
