/** An explanation for a terminal: the verdict first, then what the URL says, then what differs. */
import type { DecodedSignature, Difference, SignedRow } from '../explain/explanation.ts'
import type { explainUrl } from '../explain/explain-url.ts'
import { spanInWords } from '../explain/span.ts'
import { schemeName } from '../explain/url-scheme.ts'
import type { ParameterEffect } from '../sigv4/hoisted-headers.ts'
import type { Tried } from './explain.ts'

type UrlExplanation = ReturnType<typeof explainUrl>

export function explanationText(explanation: UrlExplanation): string {
  const { decoded, difference, also, rows } = explanation
  const unlike = rows.filter(({ signed, same }) => !same && signed !== null)
  const lost = rows.filter(
    ({ signed, sent, same, part }) => !same && signed === null && sent !== null && part !== 'method',
  )
  const known = rows.some(({ signed }) => signed !== null)
  return [
    verdict(explanation),
    ...also.map((other) => `  Also: ${other.message} ${other.advice}`),
    '',
    ...facts(decoded, explanation),
    ...(difference !== null && known ? ['', ...sideBySide([...unlike, ...lost])] : []),
  ].join('\n')
}

function verdict({ outcome, difference }: UrlExplanation): string {
  if (difference) return `✖ ${difference.message}\n  ${difference.advice}${certainty(difference)}`
  if (outcome === 'valid') return '✔ The signature is good.'
  return '? The signature was not checked: no secret for its key is known here, or a signed header was not told.\n  Give --secret-file FILE, and --header for each header that it is sent with.'
}

const certainty = ({ certain }: Difference): string =>
  certain ? '' : '\n  This is a guess: nothing that was tried matches the signature.'

/** What a server does with an `x-amz-*` parameter. */
const inEffect = {
  header: 'counts as the header',
  ignored: 'has no effect in a URL',
  refused: 'refused in a URL: send it as a header',
} as const satisfies Record<ParameterEffect, string>

function facts(decoded: DecodedSignature, { signedFor }: UrlExplanation): string[] {
  const { scheme, host, bucket, key, credential, signedAt, expiresIn, expiresAt, secondsLeft } = decoded
  const lines: [label: string, value: string][] = [['kind', schemeName[scheme]]]
  if (host !== null) lines.push(['host', host])
  if (bucket !== null) lines.push(['object', key === null ? bucket : `${bucket}/${key}`])
  if (credential)
    lines.push(['signed by', `${credential.accessKeyId}, for ${credential.service} in ${credential.region}`])
  if (decoded.hasSessionToken) lines.push(['session', 'temporary credentials: it ends when they end'])
  if (signedAt !== null) lines.push(['signed at', signedAt])
  if (expiresIn !== null && expiresAt !== null && secondsLeft !== null) {
    const rest = secondsLeft > 0 ? `${spanInWords(secondsLeft)} left` : `expired ${spanInWords(-secondsLeft)} ago`
    lines.push(['valid', `${spanInWords(expiresIn)}, until ${expiresAt} (${rest})`])
  }
  if (decoded.signedHeaders.length > 0) lines.push(['signs', decoded.signedHeaders.join(', ')])
  for (const { name, value, effect } of decoded.parameters) {
    lines.push(['with', `${name}=${value}${effect === null ? '' : ` (${inEffect[effect]})`}`])
  }
  if (signedFor.method !== null) lines.push(['send', signedFor.method])
  for (const name of decoded.mustSend) {
    const value = signedFor.headers.find((header) => header.name === name)?.value
    lines.push([
      'send',
      value === undefined || value === null ? `${name}: (the value that was issued)` : `${name}: ${value}`,
    ])
  }
  return lines.map(([label, value]) => `  ${label.padEnd(10)}${value}`)
}

function sideBySide(rows: readonly SignedRow[]): string[] {
  const cell = (value: string | null): string => (value === null ? '(not there)' : value === '' ? '(empty)' : value)
  return rows.flatMap(({ part, name, signed, sent }) => [
    `  ${name === null || part === 'host' ? part : `${part} ${name}`}`,
    `    signed  ${cell(signed)}`,
    `    sent    ${cell(sent)}`,
  ])
}

export function answerText({ answer, withheld, error }: Tried, method: string): string {
  if (!answer) return `\n${error === undefined ? '?' : '✖'} ${withheld ?? error}`
  const { status, code, message, advice, seenOtherwise, clockAhead } = answer
  const lines = [`\n${status < 300 ? '✔' : '✖'} ${method} was answered ${status}${code === null ? '' : ` ${code}`}`]
  if (message !== null) lines.push(`  ${message}`)
  if (advice !== null) lines.push(`  ${advice}`)
  if (seenOtherwise) {
    lines.push(
      '  The store saw another request than the one sent:',
      `    sent  ${seenOtherwise.sent}`,
      `    seen  ${seenOtherwise.seen}`,
    )
  }
  if (clockAhead !== null && Math.abs(clockAhead) > 60) {
    lines.push(
      `  Its clock is ${spanInWords(Math.abs(clockAhead))} ${clockAhead > 0 ? 'ahead of' : 'behind'} this machine's.`,
    )
  }
  return lines.join('\n')
}
