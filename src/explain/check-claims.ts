/** Checks that need no signature, in the order of a server. */
import { canonicalValue } from '../sigv4/canonical-request.ts'
import { anyRegion, equalText } from '../sigv4/credential.ts'
import { algorithm, terminator } from '../sigv4/string-to-sign.ts'
import { maxQueryParameters } from '../sigv4/encode.ts'
import { parameterEffect } from '../sigv4/hoisted-headers.ts'
import type { KeyRing } from '../sigv4/types.ts'
import { unsignedPayload } from '../sigv4/payload.ts'
import { maxExpiresIn } from '../sigv4/presign.ts'
import { maxSkew } from '../sigv4/verify-presigned.ts'
import type { Difference } from './explanation.ts'
import { claimNames, shown, type Claims } from './read-claims.ts'
import { schemeName } from './url-scheme.ts'
import { spanInWords } from './span.ts'

export type CheckOptions = { region: string | null; keys: KeyRing | null; now: Date }
type Check = (claims: Claims, o: CheckOptions) => Difference | null

/** If one of these fails, no other check is possible. */
export const readable: readonly Check[] = [scheme, wellFormed]
export const acceptable: readonly Check[] = [
  region,
  service,
  day,
  time,
  key,
  unsignedHeaders,
  hoistedHeaders,
  headersOnly,
]

const fault = (
  code: Difference['code'],
  message: string,
  advice: string,
  o: Partial<Pick<Difference, 'name' | 'signed' | 'sent'>> = {},
): Difference => ({ code, name: null, signed: null, sent: null, certain: true, message, advice, ...o })

function scheme({ scheme: found, parameters }: Claims): Difference | null {
  if (found === 'sigv4') return null
  if (found === 'none') {
    const cut = parameters.length === 0 ? ' The URL may be cut at its "?" or first "&". Quote it in a shell.' : ''
    return fault(
      'NotSigned',
      'This request has no signature.',
      `Request a URL from the gateway and use all of it.${cut}`,
    )
  }
  if (found === 'sigv2') {
    return fault(
      'ForeignScheme',
      `This URL uses ${schemeName[found]}, which this command cannot explain. objects.sigV2 decides whether the server accepts it.`,
      "Set the signer to version 4 (boto3: Config(signature_version='s3v4')), or see objects.sigV2.",
    )
  }
  return fault(
    'ForeignScheme',
    `This URL uses ${schemeName[found]}, which this gateway does not support.`,
    'Use it with the service that issued it.',
  )
}

function wellFormed(claims: Claims): Difference | null {
  const { parameters, given, via, credential, date, expiresIn } = claims
  const bad = (name: string, message: string, advice: string): Difference =>
    fault('Malformed', message, advice, { name, sent: given[name as (typeof claimNames)[number]] ?? null })
  if (parameters.some(({ name }) => name.startsWith('amp;'))) {
    return bad(
      '&amp;',
      'The URL was copied from HTML and contains "&amp;" instead of "&".',
      'Replace "&amp;" with "&".',
    )
  }
  if (parameters.length > maxQueryParameters) {
    const many = `The query has ${parameters.length} parameters, which is over the limit of ${maxQueryParameters}.`
    return bad('query', many, 'Send fewer parameters. Sign long metadata as headers.')
  }
  const twice = claimNames.find((name) => parameters.filter((parameter) => parameter.name === name).length > 1)
  if (twice) return bad(twice, `${twice} is given more than once.`, 'Use the URL as it was issued.')
  const needed = claimNames.filter(
    (name) => name !== 'X-Amz-Security-Token' && (name !== 'X-Amz-Expires' || via === 'query'),
  )
  const missing = needed.filter((name) => !given[name])
  if (missing.length > 0) {
    const cut = missing.includes('X-Amz-Signature') && via === 'query'
    const advice = cut ? 'The URL was cut. Copy all of it and quote it in a shell.' : 'Sign it again.'
    return bad(missing[0]!, `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing.`, advice)
  }
  if (given['X-Amz-Algorithm'] !== algorithm) {
    return bad('X-Amz-Algorithm', `The algorithm is not ${algorithm}.`, `Sign with ${algorithm}.`)
  }
  if (credential === null) {
    const encoded = /%2f/i.test(given['X-Amz-Credential']!)
    return encoded
      ? bad('X-Amz-Credential', 'The URL was encoded twice.', 'Send it as it was issued, without encoding it again.')
      : bad(
          'X-Amz-Credential',
          'The credential does not have five parts.',
          'Its form is KEY/YYYYMMDD/REGION/s3/aws4_request.',
        )
  }
  if (date === null) return bad('X-Amz-Date', 'The date is malformed.', 'Its form is 20260131T235959Z, in UTC.')
  if (via === 'query' && (expiresIn === null || expiresIn > maxExpiresIn)) {
    return bad(
      'X-Amz-Expires',
      'The lifetime of the URL is not a number of seconds up to 604800.',
      'The maximum is seven days.',
    )
  }
  return null
}

function region({ credential }: Claims, o: CheckOptions): Difference | null {
  if (o.region === null || o.region === anyRegion || credential!.region === o.region) return null
  return fault(
    'WrongRegion',
    `The URL was signed for the region ${credential!.region}, but this store is in ${o.region}.`,
    `Set the signer's region to ${o.region} and sign again.`,
    { name: 'X-Amz-Credential', signed: credential!.region, sent: o.region },
  )
}

function service({ credential }: Claims): Difference | null {
  const { service: named, terminator: end } = credential!
  if (named === 's3' && end === terminator) return null
  return fault(
    'WrongService',
    `The URL was signed for ${named}/${end}.`,
    `Sign it for the service s3 and end the scope with ${terminator}.`,
    {
      name: 'X-Amz-Credential',
      signed: `${named}/${end}`,
      sent: `s3/${terminator}`,
    },
  )
}

function day({ credential, given }: Claims): Difference | null {
  const today = given['X-Amz-Date']!.slice(0, 8)
  if (credential!.date === today) return null
  return fault(
    'WrongDay',
    `The credential is for ${credential!.date}, but the request is dated ${today}.`,
    'Take both from one clock in UTC. A local date differs from it for some hours each day.',
    { name: 'X-Amz-Credential', signed: credential!.date, sent: today },
  )
}

function time({ via, date, expiresIn }: Claims, { now }: CheckOptions): Difference | null {
  const ahead = (date!.getTime() - now.getTime()) / 1000
  const when = { signed: date!.toISOString(), sent: now.toISOString() }
  const clock = 'Synchronise the clocks of the signer and of this machine with NTP.'
  if (via === 'header') {
    if (Math.abs(ahead) <= maxSkew) return null
    const off = `The request is dated ${spanInWords(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}. The tolerance is 15 minutes.`
    return fault('ClockSkew', off, clock, { name: 'x-amz-date', ...when })
  }
  if (ahead > maxSkew) {
    return fault('NotYetValid', `The URL is dated ${spanInWords(ahead)} ahead of this clock.`, clock, {
      name: 'X-Amz-Date',
      ...when,
    })
  }
  const left = ahead + expiresIn!
  if (left > 0 && expiresIn !== 0) return null
  return fault(
    'Expired',
    `The URL expired ${spanInWords(-left)} ago. Its lifetime was ${spanInWords(expiresIn!)}.`,
    'Request a fresh URL (POST /files/<id>/upload-url, or a new download URL), or a longer expiresIn.',
    {
      name: 'X-Amz-Expires',
      signed: new Date(date!.getTime() + expiresIn! * 1000).toISOString(),
      sent: now.toISOString(),
    },
  )
}

function key({ credential, given }: Claims, { keys }: CheckOptions): Difference | null {
  if (keys === null) return null
  const { accessKeyId } = credential!
  const found = keys.find(accessKeyId)
  const token = given['X-Amz-Security-Token']
  if (found === undefined || (found.sessionToken !== undefined && token === undefined)) {
    return fault(
      'UnknownKey',
      `The key ${accessKeyId} is not accepted here. It does not exist, was revoked or has expired.`,
      'Sign with a key from `postern keys list`. A URL of another instance works only there.',
      { name: 'X-Amz-Credential', sent: accessKeyId },
    )
  }
  if (token === undefined || (found.sessionToken !== undefined && equalText(found.sessionToken, token))) return null
  return fault(
    'WrongToken',
    'The security token was not issued with this key.',
    'Sign with the three values that were issued together.',
    {
      name: 'X-Amz-Security-Token',
    },
  )
}

/** Same rule as `refuseUnsignedHeaders` of sigv4. */
function unsignedHeaders({ signedHeaders, headers, parameters }: Claims): Difference | null {
  const inQuery = new Set(parameters.map(({ name }) => name.toLowerCase()))
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-') || name === 'x-amz-content-sha256' || signedHeaders.includes(name)) continue
    return fault(
      'HeaderNotSigned',
      `The header ${name} was sent but is not signed.`,
      inQuery.has(name)
        ? 'Leave it out, because its value is already in the URL.'
        : 'Leave it out or sign it. Such headers change what the request does.',
      { name, sent: shown(name, value) },
    )
  }
  if (signedHeaders.includes('host')) return null
  return fault('HeaderNotSigned', 'The Host header is not signed.', 'Sign at least `host`.', { name: 'host' })
}

/** Parameters that the server accepts only as headers. */
function headersOnly({ via, parameters }: Claims): Difference | null {
  if (via !== 'query') return null
  const found = parameters.find(({ name }) => parameterEffect(name) === 'refused')
  if (found === undefined) return null
  return fault(
    'HeaderInQuery',
    `${found.name} is in the query, but server-side encryption is accepted only as a header.`,
    'Sign it as a header. With the JavaScript SDK, name it in unhoistableHeaders.',
    { name: found.name, sent: shown(found.name, found.value) },
  )
}

/** A header that is also in the query must have the same value. */
function hoistedHeaders({ via, headers, parameters }: Claims): Difference | null {
  if (via !== 'query') return null
  for (const { name: parameter, value } of parameters) {
    const name = parameter.toLowerCase()
    const sent = headers.get(name)
    if (
      sent === undefined ||
      !name.startsWith('x-amz-') ||
      sent === canonicalValue(Buffer.from(value).toString('latin1'))
    )
      continue
    if (name === 'x-amz-content-sha256' && value === unsignedPayload) continue
    return fault(
      'HeaderChanged',
      `The header ${name} differs from its value in the URL.`,
      'Leave the header out, because its value is already in the URL.',
      { name, signed: shown(name, value), sent: shown(name, sent) },
    )
  }
  return null
}
