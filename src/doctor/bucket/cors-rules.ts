/** The CORS rules that a bucket needs for uploads from pages, and for downloads that a redirect leads to. */
import { createHash } from 'node:crypto'
import { ok, failed, type Finding } from '../check.ts'
import { said, type Answer, type StoreProbe } from './store-probe.ts'

type Rule = { id: string; methods: readonly string[] }

const uploads: Rule = { id: 'postern', methods: ['GET', 'HEAD', 'PUT', 'POST'] }
/**
 * A page that the API redirects to the bucket sends `Origin: null`, which no list of origins can name. What may be read is
 * decided by the signature; a rule for `*` lets no credentials through.
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

/** As `aws s3api put-bucket-cors --cors-configuration` takes it. */
export const corsJson = (origins: readonly string[]) => ({
  CORSRules: [ruleJson(uploads, origins), ruleJson(reads, ['*'])],
})

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The origins as they stand in XML. */
function ruleXml({ id, methods }: Rule, origins: readonly string[]): string {
  const all = (name: string, values: readonly string[]): string =>
    values.map((value) => `<${name}>${value}</${name}>`).join('')
  return (
    `<CORSRule><ID>${id}</ID>${all('AllowedOrigin', origins)}${all('AllowedMethod', methods)}<AllowedHeader>*</AllowedHeader>` +
    `${all('ExposeHeader', exposed)}<MaxAgeSeconds>${maxAge}</MaxAgeSeconds></CORSRule>`
  )
}

/** Puts our rules before those that the bucket has. Older ones of ours are replaced, and the origins that they let in stay. */
export async function applyCors(probe: StoreProbe): Promise<Finding> {
  const query = { cors: '' }
  const before = await probe.request({ method: 'GET', query })
  if (before.status !== 200 && before.status !== 404) {
    return failed(
      `The bucket's CORS rules cannot be read (${said(before)}).`,
      fixFor(before, 'Allow s3:GetBucketCORS and s3:PutBucketCORS, or set the rules by hand.'),
    )
  }
  const rules = before.status === 200 ? rulesOf(before.text) : []
  if (rules === null) {
    return failed(
      "The bucket's CORS rules are written in a way that is not understood here, and setting ours would drop them.",
      `Add these rules to them by hand: ${JSON.stringify(corsJson(probe.target.origins))}`,
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
      `Setting the CORS rules is answered ${said(answer)}.`,
      fixFor(answer, 'Allow s3:PutBucketCORS, or set the rules by hand.'),
    )
  return ok(`The bucket has our CORS rules now${kept.length > 0 ? `, before its ${kept.length} others` : ''}.`)
}

const fixFor = ({ status }: Answer, rights: string): string =>
  status >= 500 ? 'The store fails, or has no CORS rules to be set: look into its log, or set them by hand.' : rights

const originsIn = (rule: string): string[] =>
  [...rule.matchAll(/<AllowedOrigin>([^<]*)<\/AllowedOrigin>/g)].map(([, origin]) => origin!)

/** null unless the document is whole and consists of nothing but rules as we would write them down again. */
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
