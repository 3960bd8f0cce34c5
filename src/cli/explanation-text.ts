/** Formats an explanation for a terminal: the verdict, the URL's contents, then the differences. */
import type { DecodedSignature, Difference, SignedRow } from '../explain/explanation.ts'
import type { explainUrl } from '../explain/explain-url.ts'
import { spanInWords } from '../explain/span.ts'
import { schemeName } from '../explain/url-scheme.ts'
import type { ParameterEffect } from '../sigv4/hoisted-headers.ts'
import type { Answer } from './send-once.ts'

export type Tried = {
  answer?: Answer
  /** Why the request was not sent. */ withheld?: string
  /** Set if the connection failed. */ error?: string
}

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
  if (outcome === 'valid') return '✔ The signature is valid.'
  return '? The signature was not checked, because the secret of its key or the value of a signed header is not known.\n  Use --secret-file FILE, and --header for each header of the request.'
}

const certainty = ({ certain }: Difference): string =>
  certain ? '' : '\n  This is a guess. No tried variant matches the signature.'

/** How the server treats an `x-amz-*` query parameter. */
const inEffect = {
  header: 'counts as the header',
  ignored: 'has no effect in a URL',
  refused: 'refused in a URL; send it as a header',
} as const satisfies Record<ParameterEffect, string>

function facts(decoded: DecodedSignature, { signedFor }: UrlExplanation): string[] {
  const { scheme, host, bucket, key, credential, signedAt, expiresIn, expiresAt, secondsLeft } = decoded
  const lines: [label: string, value: string][] = [['kind', schemeName[scheme]]]
  if (host !== null) lines.push(['host', host])
  if (bucket !== null) lines.push(['object', key === null ? bucket : `${bucket}/${key}`])
  if (credential)
    lines.push(['signed by', `${credential.accessKeyId}, for ${credential.service} in ${credential.region}`])
  if (decoded.hasSessionToken) lines.push(['session', 'temporary credentials; the URL expires with them'])
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
    lines.push(['send', value === undefined || value === null ? `${name}: (the issued value)` : `${name}: ${value}`])
  }
  return lines.map(([label, value]) => `  ${label.padEnd(10)}${value}`)
}

function sideBySide(rows: readonly SignedRow[]): string[] {
  const cell = (value: string | null): string => (value === null ? '(missing)' : value === '' ? '(empty)' : value)
  return rows.flatMap(({ part, name, signed, sent }) => [
    `  ${name === null || part === 'host' ? part : `${part} ${name}`}`,
    `    signed  ${cell(signed)}`,
    `    sent    ${cell(sent)}`,
  ])
}

export function answerText({ answer, withheld, error }: Tried, method: string): string {
  if (!answer) return `\n${error === undefined ? '?' : '✖'} ${withheld ?? error}`
  const { status, code, message, advice, seenOtherwise, clockAhead } = answer
  const lines = [`\n${status < 300 ? '✔' : '✖'} ${method} returned ${status}${code === null ? '' : ` ${code}`}`]
  if (message !== null) lines.push(`  ${message}`)
  if (advice !== null) lines.push(`  ${advice}`)
  if (seenOtherwise) {
    lines.push(
      '  The store received a different request from the one sent:',
      `    sent  ${seenOtherwise.sent}`,
      `    received  ${seenOtherwise.seen}`,
    )
  }
  if (clockAhead !== null && Math.abs(clockAhead) > 60) {
    lines.push(
      `  Its clock is ${spanInWords(Math.abs(clockAhead))} ${clockAhead > 0 ? 'ahead of' : 'behind'} this machine's.`,
    )
  }
  return lines.join('\n')
}
