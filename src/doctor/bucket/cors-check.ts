import { corsJson } from './cors-rules.ts'
import { failed, ok, type Check, type Finding } from '../check.ts'
import { probeBody } from './object-checks.ts'
import type { StoreProbe } from './store-probe.ts'
import type { Answer } from './traces.ts'

/** Headers that the Postern client sends with an upload. */
const headersSent = ['content-type', 'if-none-match', 'x-amz-checksum-sha256']

/**
 * Sends the preflights of a page at `origin`, then its PUT and GET, and checks that the page may upload and read the ETag.
 * The last GET is one that a redirect led to, with `Origin: null`.
 */
export const cors = (origin: string): Check<StoreProbe> => ({
  name: `cors:${origin}`,
  needs: ['presign'],
  async run(probe) {
    const lacks = await missing(probe, origin)
    if (lacks.length === 0) return ok(`Pages of ${origin} can upload, download and read the ETag.`)
    return failed(`For pages of ${origin}: ${lacks.join('; ')}.`, fix(probe, origin))
  },
})

async function missing(probe: StoreProbe, origin: string): Promise<string[]> {
  const key = probe.key('cors')
  const ask = (url: string, method: string, headers: readonly string[]): Promise<Answer> =>
    probe.fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        ...(headers.length > 0 && { 'access-control-request-headers': headers.join(',') }),
      },
    })
  const lacks: string[] = []
  const preflight = await ask(probe.objectUrl(key), 'PUT', headersSent)
  if (!allowsOrigin(preflight, origin) || preflight.status >= 300) {
    const bare = await ask(probe.objectUrl(key), 'PUT', [])
    const byHeaders = allowsOrigin(bare, origin) && bare.status < 300
    lacks.push(
      byHeaders
        ? `the headers ${headersSent.join(', ')} are not all allowed`
        : `PUT is not allowed (the store answers the preflight with ${preflight.status})`,
    )
  } else {
    const methods = valuesOf(preflight, 'access-control-allow-methods')
    const headers = valuesOf(preflight, 'access-control-allow-headers')
    if (!methods.includes('put') && !methods.includes('*')) lacks.push('PUT is not among the allowed methods')
    const unnamed = headersSent.filter((name) => !headers.includes(name) && !headers.includes('*'))
    if (unnamed.length > 0) lacks.push(`the header ${unnamed.join(', ')} is not allowed`)
  }
  const form = await ask(probe.bucketUrl(), 'POST', [])
  if (!allowsOrigin(form, origin) || form.status >= 300)
    lacks.push('POST to the bucket is not allowed, so form uploads fail')

  const put = probe.presign({ method: 'PUT', key })
  const written = await probe.fetch(put.url, { method: 'PUT', headers: { ...put.headers, origin }, body: probeBody })
  const readFrom = (page: string): Promise<Answer> =>
    probe.fetch(probe.presign({ method: 'GET', key }).url, { method: 'GET', headers: { origin: page } })
  const read = await readFrom(origin)
  if (!allowsOrigin(written, origin)) lacks.push('the response to PUT cannot be read')
  else if (!['etag', '*'].some((name) => valuesOf(written, 'access-control-expose-headers').includes(name)))
    lacks.push('the ETag is hidden because it is not an exposed header, so multipart uploads fail')
  if (!allowsOrigin(read, origin)) lacks.push('the response to GET cannot be read')
  else if (!allowsOrigin(await readFrom('null'), 'null'))
    lacks.push('the response to GET cannot be read after a redirect, when browsers send "Origin: null"')
  return lacks
}

const valuesOf = ({ headers }: Answer, name: string): string[] =>
  String(headers[name] ?? '')
    .toLowerCase()
    .split(',')
    .map((value) => value.trim())

const allowsOrigin = (answer: Answer, origin: string): boolean =>
  ['*', origin.toLowerCase()].includes(String(answer.headers['access-control-allow-origin'] ?? '').toLowerCase())

function fix(probe: StoreProbe, origin: string): NonNullable<Finding['fix']> {
  if (probe.target.isOwnEndpoint) return `Add "${origin}" to cors.origins and restart the server.`
  return `Run "postern doctor --origin ${origin} --fix", or set these rules on the bucket: ${JSON.stringify(corsJson(probe.target.origins))}`
}
