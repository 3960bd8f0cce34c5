import { requestOf } from './decode-url.ts'
import { explainRequest, type ExplainOptions } from './explain-request.ts'
import type { Difference, Explanation } from './explanation.ts'

/** The signed request. null if it could not be reproduced. */
export type SignedFor = {
  method: string | null
  /** Without `host`. */
  headers: { name: string; value: string | null }[]
}

export type UrlUse = {
  /** The method used. undefined if not given, so that no method counts as wrong. */
  method?: string | undefined
  headers?: readonly (readonly [name: string, value: string])[]
  pathPrefix?: string
}

/**
 * Explains a URL. Missing details of its use (method, headers) are not errors. They are searched for and returned in
 * `signedFor`. Throws TypeError if it is not an http(s) URL.
 */
export function explainUrl(url: string, use: UrlUse, o: ExplainOptions): Explanation & { signedFor: SignedFor } {
  const { headers = [], pathPrefix = '' } = use
  const guess = use.method ?? likelyMethod(url)
  const explanation = explainRequest(requestOf(url, { method: guess, headers, pathPrefix }), o)
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const isNotGiven = ({ code, name }: Difference): boolean =>
    (code === 'MethodChanged' && use.method === undefined) || (code === 'HeaderMissing' && !given.has(name ?? ''))
  const all = [explanation.difference, ...explanation.also].filter((difference) => difference !== null)
  const [difference = null, ...also] = all.filter((one) => !isNotGiven(one))
  const known = explanation.rows.some(({ signed }) => signed !== null)
  const checked = explanation.outcome === 'valid' || known
  return {
    ...explanation,
    outcome: difference ? 'refused' : checked ? 'valid' : 'unchecked',
    difference,
    also,
    rows:
      difference || !known
        ? explanation.rows
        : explanation.rows.map((row) => ({ ...row, sent: row.signed, same: true })),
    signedFor: {
      method: explanation.rows.find(({ part }) => part === 'method')?.signed ?? null,
      headers: explanation.rows
        .filter(({ part }) => part === 'header')
        .map(({ name, signed }) => ({ name: name!, value: signed })),
    },
  }
}

/** The method of the operation that SDKs name in the query. A guess for the first try. */
function likelyMethod(url: string): string {
  const id = /[?&]x-id=(\w+)/.exec(url)?.[1] ?? ''
  if (/^(Put|Upload|Copy)/.test(id)) return 'PUT'
  if (/^(Delete|Abort)/.test(id)) return 'DELETE'
  return id.startsWith('Head') ? 'HEAD' : 'GET'
}
