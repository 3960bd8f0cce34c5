/**
 * Headers that a presigner moved ("hoisted") into the query of a presigned URL. S3 treats them like sent headers,
 * because the signature covers the query.
 */
import { canonicalValue } from './canonical-request.ts'
import type { QueryParameter } from './encode.ts'
import { SignatureError } from './types.ts'

/** Header values by lower-case name. One character per byte, as in Node's header strings. */
export type HoistedHeaders = ReadonlyMap<string, string>

export const noneHoisted: HoistedHeaders = new Map()

export const queryAuthParameters = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Signature',
  'X-Amz-Date',
  'X-Amz-SignedHeaders',
  'X-Amz-Expires',
] as const

export const tokenParameter = 'X-Amz-Security-Token'

/** Parameters of the signature itself, in lower case. They never represent headers. */
const ownParameters: ReadonlySet<string> = new Set(
  [...queryAuthParameters, tokenParameter, 'X-Amz-Content-Sha256'].map((name) => name.toLowerCase()),
)

export const isOwnParameter = (lowerCaseName: string): boolean => ownParameters.has(lowerCaseName)

/** `header`: counts as the header of that name. `ignored`: has no effect. `refused`: S3 accepts it only as a header. */
export type ParameterEffect = 'header' | 'ignored' | 'refused'

/** Presigners add the checksum of a body they have not seen (JS SDK v3), and AWS ignores tags in the query. */
const ignored = /^x-amz-(checksum-.+|sdk-checksum-algorithm|trailer|decoded-content-length|tagging|tagging-directive)$/
/** Keys for server-side encryption must not be in a URL, because logs and proxies keep URLs. */
const refused = /^x-amz-(copy-source-)?server-side-encryption/

/** The effect of a parameter of a presigned URL. null if it does not represent a header. */
export function parameterEffect(parameter: string): ParameterEffect | null {
  const name = parameter.toLowerCase()
  if (!name.startsWith('x-amz-') || isOwnParameter(name)) return null
  if (ignored.test(name)) return 'ignored'
  return refused.test(name) ? 'refused' : 'header'
}

const headerName = /^[!#$%&'*+.^_`|~\w-]+$/
// oxlint-disable-next-line no-control-regex -- no header can carry these
const control = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** The headers in a presigned URL, including refused ones. Throws InvalidArgument. */
export function hoistedHeaders(parameters: Iterable<QueryParameter>): HoistedHeaders {
  const headers = new Map<string, string>()
  for (const { name, value } of parameters) {
    const effect = parameterEffect(name)
    if (effect === null || effect === 'ignored') continue
    if (!headerName.test(name) || control.test(value)) {
      throw new SignatureError('InvalidArgument', 'A query parameter contains characters that a header cannot carry.', {
        ArgumentName: name.replace(/[^\w-]/g, ''),
      })
    }
    headers.set(name.toLowerCase(), headerBytes(value).replace(/^[ \t]+|[ \t]+$/g, ''))
  }
  return headers
}

const headerBytes = (value: string): string => Buffer.from(value, 'utf8').toString('latin1')

/** The canonical query values of signed headers that were not sent. */
export function signedInQuery(parameters: Iterable<QueryParameter>): HoistedHeaders {
  const values = new Map<string, string>()
  for (const { name, value } of parameters) {
    const lower = name.toLowerCase()
    if (!isOwnParameter(lower)) values.set(lower, canonicalValue(headerBytes(value)))
  }
  return values
}
