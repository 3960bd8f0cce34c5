/** Formats a log entry as a curl command or a report. The output contains no credentials. */
import { formatBytes } from '../../format.ts'
import { formatTook, formatOutcome, subjectOf, type LogEntry } from './entry.ts'

const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** For bash and zsh. Redacted values appear as `[hidden]`, the token comes from $TOKEN. */
export function asCurl(entry: LogEntry, bases: { api: string; objects: string }): string {
  const { method, target, app, refusal } = entry
  const origin = new URL(app === 'api' ? bases.api : bases.objects).origin
  const isRead = method === 'GET' || method === 'HEAD'
  const parts = [
    method === 'HEAD' ? 'curl --head' : isRead ? 'curl' : `curl -X ${method}`,
    quote(origin + target),
    ...(app === 'api' ? ['-H "authorization: Bearer $TOKEN"'] : []),
    ...(refusal?.headers ?? [])
      .filter(([name]) => !['host', 'content-length', 'origin', 'expect'].includes(name))
      .map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(method === 'PUT' ? ['--data-binary @FILE'] : []),
  ]
  return parts.join(' \\\n  ')
}

/** The explanation in plain text, for a message or an issue. */
export function asReport(entry: LogEntry): string {
  const { refusal, method, time, ms, size, requestId } = entry
  const explanation = refusal?.explanation
  const changed = explanation?.rows.filter(({ same }) => !same) ?? []
  const isKnown = changed.some(({ signed }) => signed !== null)
  return [
    `${method} ${subjectOf(entry)}: ${formatOutcome(entry)}`,
    [time, formatTook(ms), size === null ? '' : formatBytes(size), requestId && `request ${requestId}`]
      .filter(Boolean)
      .join(', '),
    ...(refusal ? ['', explanation?.difference?.message ?? refusal.message] : []),
    ...(refusal?.advice ? [refusal.advice] : []),
    ...(isKnown
      ? changed.flatMap(({ part, name, signed, sent }) => [
          '',
          name ? `${part} ${name}` : part,
          `  signed: ${signed ?? '(missing)'}`,
          `  sent:   ${sent ?? '(missing)'}`,
        ])
      : []),
  ].join('\n')
}
