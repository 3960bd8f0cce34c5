/** The CORS rules that a bucket needs for uploads from web pages and for downloads after a redirect. */
import { createHash } from 'node:crypto'
import { ok, failed, type Finding } from '../check.ts'
import { said, type StoreProbe } from './store-probe.ts'
import type { Answer } from './traces.ts'

type Rule = { id: string; methods: readonly string[] }

const uploads: Rule = { id: 'postern', methods: ['GET', 'HEAD', 'PUT', 'POST'] }
/**
 * A page that the API redirects to the bucket sends `Origin: null`, which a list of origins cannot contain. `*` is safe:
 * only a valid signature can read an object, and browsers send no credentials for `*`.
 */
const reads: Rule = { id: 'postern-reads', methods: ['GET', 'HEAD'] }
const exposed = [
  'ETag',
  'Content-Range',
  'Accept-Ranges',
  'x-amz-request-id',
  'x-amz-version-id',
  'x-amz-checksum-sha256',
]
const maxAge = 3600

const ruleJson = ({ id, methods }: Rule, origins: readonly string[]) => ({
  ID: id,
  AllowedOrigins: origins,
  AllowedMethods: methods,
  AllowedHeaders: ['*'],
  ExposeHeaders: exposed,
  MaxAgeSeconds: maxAge,
})

/** The input of `aws s3api put-bucket-cors --cors-configuration`. */
export const corsJson = (origins: readonly string[]) => ({
  CORSRules: [ruleJson(uploads, origins), ruleJson(reads, ['*'])],
})

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The origins must be escaped for XML. */
function ruleXml({ id, methods }: Rule, origins: readonly string[]): string {
  const all = (name: string, values: readonly string[]): string =>
    values.map((value) => `<${name}>${value}</${name}>`).join('')
  return (
    `<CORSRule><ID>${id}</ID>${all('AllowedOrigin', origins)}${all('AllowedMethod', methods)}<AllowedHeader>*</AllowedHeader>` +
    `${all('ExposeHeader', exposed)}<MaxAgeSeconds>${maxAge}</MaxAgeSeconds></CORSRule>`
  )
}

/** Adds Postern's rules before the bucket's other rules. Replaces older rules of Postern, but keeps their origins. */
export async function applyCors(probe: StoreProbe): Promise<Finding> {
  const query = { cors: '' }
  const before = await probe.request({ method: 'GET', query })
  if (before.status !== 200 && before.status !== 404) {
    return failed(
      `The CORS rules of the bucket could not be read (${said(before)}).`,
      fixFor(before, 'Allow s3:GetBucketCORS and s3:PutBucketCORS, or set the rules by hand.'),
    )
  }
  const rules = before.status === 200 ? rulesOf(before.text) : []
  if (rules === null) {
    return failed(
      'The CORS rules of the bucket have an unknown format, and setting new ones would delete them.',
      `Add these rules by hand: ${JSON.stringify(corsJson(probe.target.origins))}`,
    )
  }
  const is = (rule: string, { id }: Rule): boolean => rule.includes(`<ID>${id}</ID>`)
  const kept = rules.filter((rule) => !is(rule, uploads) && !is(rule, reads))
  const earlier = rules.filter((rule) => is(rule, uploads)).flatMap(originsIn)
  const origins = new Set([...earlier, ...probe.target.origins.map(escape)])
  const xml = `<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${ruleXml(uploads, [...origins])}${ruleXml(reads, ['*'])}${kept.join('')}</CORSConfiguration>`
  const body = Buffer.from(xml)
  const headers = { 'content-type': 'application/xml', 'content-md5': createHash('md5').update(body).digest('base64') }
  const answer = await probe.request({ method: 'PUT', query, headers, body })
  if (answer.status >= 300)
    return failed(
      `The store answers ${said(answer)} when CORS rules are set.`,
      fixFor(answer, 'Allow s3:PutBucketCORS, or set the rules by hand.'),
    )
  const others = kept.length === 0 ? '' : `, before its other ${kept.length === 1 ? 'rule' : `${kept.length} rules`}`
  return ok(`The bucket now has Postern's CORS rules${others}.`)
}

const fixFor = ({ status }: Answer, rights: string): string =>
  status >= 500
    ? 'The store fails, or does not support CORS rules. Check the log of the store, or set the rules by hand.'
    : rights

const originsIn = (rule: string): string[] =>
  [...rule.matchAll(/<AllowedOrigin>([^<]*)<\/AllowedOrigin>/g)].map(([, origin]) => origin!)

/** Null if the document has anything but complete rules, because writing it back would lose the rest. */
function rulesOf(document: string): string[] | null {
  const [, content] = /^\s*(?:<\?xml[^>]*\?>\s*)?<CORSConfiguration[^>]*?(?:\/>|>([^]*)<\/CORSConfiguration>)\s*$/.exec(
    document,
  ) ?? [null, null]
  if (content === null) return null
  const pieces = (content ?? '').split('</CORSRule>').map((piece) => piece.trim())
  if (pieces.pop() !== '') return null
  if (!pieces.every((piece) => piece.startsWith('<CORSRule>') && piece.lastIndexOf('<CORSRule') === 0)) return null
  return pieces.map((piece) => `${piece}</CORSRule>`)
}
