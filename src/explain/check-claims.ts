/** Everything that is wrong before a signature is computed, in the order in which a server looks. */
import { canonicalValue } from '../sigv4/canonical-request.ts'
import { equalText } from '../sigv4/credential.ts'
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

/** These alone keep the others from being looked at. */
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
    const cut = parameters.length === 0 ? ' Was the URL cut at its "?" or its first "&"? Quote it in a shell.' : ''
    return fault('NotSigned', 'Nothing in this request signs it.', `Ask the gateway for a URL and use it whole.${cut}`)
  }
  if (found === 'sigv2') {
    return fault(
      'ForeignScheme',
      `This is ${schemeName[found]}, which cannot be explained. The server accepts it by objects.sigV2.`,
      "Set the signer to version 4 (boto3: Config(signature_version='s3v4')), or see objects.sigV2.",
    )
  }
  return fault(
    'ForeignScheme',
    `This is ${schemeName[found]}, which this gateway neither makes nor takes.`,
    'Use it with that service.',
  )
}

function wellFormed(claims: Claims): Difference | null {
  const { parameters, given, via, credential, date, expiresIn } = claims
  const bad = (name: string, message: string, advice: string): Difference =>
    fault('Malformed', message, advice, { name, sent: given[name as (typeof claimNames)[number]] ?? null })
  if (parameters.some(({ name }) => name.startsWith('amp;'))) {
    return bad('&amp;', 'The URL was copied from HTML: it has "&amp;" for "&".', 'Write "&" in its place.')
  }
  if (parameters.length > maxQueryParameters) {
    const many = `The query has ${parameters.length} parameters; the limit is ${maxQueryParameters}.`
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
    const advice = cut ? 'The URL was cut: put it in quotes in a shell, and copy it whole.' : 'Sign it again.'
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
          'The credential has not its five parts.',
          'It reads KEY/YYYYMMDD/REGION/s3/aws4_request.',
        )
  }
  if (date === null) return bad('X-Amz-Date', 'The date cannot be read.', 'It reads 20260131T235959Z, in UTC.')
  if (via === 'query' && (expiresIn === null || expiresIn > maxExpiresIn)) {
    return bad(
      'X-Amz-Expires',
      'The life of the URL is not a number of seconds up to 604800.',
      'Seven days are the most.',
    )
  }
  return null
}

function region({ credential }: Claims, o: CheckOptions): Difference | null {
  if (o.region === null || credential!.region === o.region) return null
  return fault(
    'WrongRegion',
    `It was signed for the region ${credential!.region}; this store is in ${o.region}.`,
    `Set the signer's region to ${o.region} and sign again.`,
    { name: 'X-Amz-Credential', signed: credential!.region, sent: o.region },
  )
}

function service({ credential }: Claims): Difference | null {
  const { service: named, terminator: end } = credential!
  if (named === 's3' && end === terminator) return null
  return fault(
    'WrongService',
    `It was signed for ${named}/${end}.`,
    `Sign it for the service s3, with ${terminator} at the end.`,
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
    `The credential is of ${credential!.date}, the date is of ${today}.`,
    'Take both from one clock, in UTC: a local date differs from it for some hours each day.',
    { name: 'X-Amz-Credential', signed: credential!.date, sent: today },
  )
}

function time({ via, date, expiresIn }: Claims, { now }: CheckOptions): Difference | null {
  const ahead = (date!.getTime() - now.getTime()) / 1000
  const when = { signed: date!.toISOString(), sent: now.toISOString() }
  const clock = "Set the signer's clock by NTP, and this machine's too."
  if (via === 'header') {
    if (Math.abs(ahead) <= maxSkew) return null
    const off = `The request is dated ${spanInWords(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}; 15 minutes are allowed.`
    return fault('ClockSkew', off, clock, { name: 'x-amz-date', ...when })
  }
  if (ahead > maxSkew) {
    return fault('NotYetValid', `It is dated ${spanInWords(ahead)} ahead of this clock.`, clock, {
      name: 'X-Amz-Date',
      ...when,
    })
  }
  const left = ahead + expiresIn!
  if (left > 0 && expiresIn !== 0) return null
  return fault(
    'Expired',
    `It expired ${spanInWords(-left)} ago; it was made to live ${spanInWords(expiresIn!)}.`,
    'Ask for a fresh URL (POST /files/<id>/upload-url, or the download URL again), or for a longer expiresIn.',
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
      `No key ${accessKeyId} is accepted here: it was never made, was revoked, or has ended.`,
      'See `postern keys list`; sign again with a key that stands there. A URL from another instance needs that instance.',
      { name: 'X-Amz-Credential', sent: accessKeyId },
    )
  }
  if (token === undefined || (found.sessionToken !== undefined && equalText(found.sessionToken, token))) return null
  return fault(
    'WrongToken',
    'Its security token was not issued with this key.',
    'Sign with the three values that were issued together.',
    {
      name: 'X-Amz-Security-Token',
    },
  )
}

/** As `refuseUnsignedHeaders` of sigv4 has it. */
function unsignedHeaders({ signedHeaders, headers, parameters }: Claims): Difference | null {
  const inQuery = new Set(parameters.map(({ name }) => name.toLowerCase()))
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-') || name === 'x-amz-content-sha256' || signedHeaders.includes(name)) continue
    return fault(
      'HeaderNotSigned',
      `The header ${name} was sent and is not signed.`,
      inQuery.has(name)
        ? 'Leave it out: its value is in the URL already.'
        : 'Leave it out, or sign it: such headers change what the request does.',
      { name, sent: shown(name, value) },
    )
  }
  if (signedHeaders.includes('host')) return null
  return fault('HeaderNotSigned', 'The Host header is not signed.', 'Sign at least `host`.', { name: 'host' })
}

/** Parameters that the server accepts as headers only. */
function headersOnly({ via, parameters }: Claims): Difference | null {
  if (via !== 'query') return null
  const found = parameters.find(({ name }) => parameterEffect(name) === 'refused')
  if (found === undefined) return null
  return fault(
    'HeaderInQuery',
    `${found.name} is in the query. Server-side encryption is accepted as a header only.`,
    'Sign it as a header. With the JavaScript SDK, name it in unhoistableHeaders.',
    { name: found.name, sent: shown(found.name, found.value) },
  )
}

/** A header that stands in the query too must have the value that it has there. */
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
      `The header ${name} is not what the URL says of it.`,
      'Leave the header out: its value is in the URL already.',
      { name, signed: shown(name, value), sent: shown(name, sent) },
    )
  }
  return null
}
