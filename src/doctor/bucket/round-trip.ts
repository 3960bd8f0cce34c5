import { failed, ok, reason, type Check, type Finding } from '../check.ts'
import { probeBody } from './put.ts'
import { strippedPrefix } from './stripped-prefix.ts'
import { hostSeen, said, type Answer, type StoreProbe } from './store-probe.ts'

/** A presigned PUT and GET at the public endpoint, as a browser would use them. */
export const roundTrip: Check<StoreProbe> = {
  name: 'presign',
  needs: ['put'],
  async run(probe) {
    const key = probe.key('presigned')
    const put = probe.presign({ method: 'PUT', key, headers: { 'content-type': 'text/plain' } })
    const { publicEndpoint, isOwnEndpoint, settings } = probe.target
    const name = settings.publicEndpoint
    let written: Answer
    try {
      written = await probe.fetch(put.url, { method: 'PUT', headers: put.headers, body: probeBody })
    } catch (error) {
      return failed(
        `Presigned URLs point to ${publicEndpoint}, which cannot be reached: ${reason(error)}.`,
        `Set ${name} to the address at which browsers reach the store.`,
      )
    }
    const stripped = !isOwnEndpoint ? null : strippedPrefix(written, publicEndpoint)
    if (stripped) return stripped
    if (written.status === 411 || written.code === 'MissingContentLength') return lengthLost(publicEndpoint, written)
    if (written.status !== 200)
      return failed(`A presigned PUT is answered ${said(written)}.`, fixForSignature(written, name))
    const read = await probe.fetch(probe.presign({ method: 'GET', key }).url, { method: 'GET' })
    if (read.status !== 200 || !read.body.equals(probeBody))
      return failed(`A presigned GET is answered ${said(read)}.`, fixForSignature(read, name))
    const bound = probe.target.signsLength ? await putBoundToLength(probe) : written
    return bound.status === 200
      ? ok(`Presigned PUT and GET work at ${publicEndpoint}.`)
      : lengthLost(publicEndpoint, bound)
  },
}

/** As URLs for files of a declared size are signed. */
function putBoundToLength(probe: StoreProbe): Promise<Answer> {
  const headers = { 'content-type': 'text/plain', 'content-length': String(probeBody.length) }
  const put = probe.presign({ method: 'PUT', key: probe.key('presigned-length'), headers })
  return probe.fetch(put.url, { method: 'PUT', headers: { ...put.headers, ...headers }, body: probeBody })
}

const lengthLost = (endpoint: string, answer: Answer): Finding =>
  failed(
    `A presigned PUT whose length is known is refused (${said(answer)}): a proxy before ${endpoint} drops Content-Length. ` +
      'It sends the body on in chunks.',
    'Let the proxy pass Content-Length on: nginx "proxy_request_buffering off;" with "proxy_http_version 1.1;", and no filter that rewrites bodies.',
  )

function fixForSignature(answer: Answer, name: string): string {
  const seen = hostSeen(answer)
  if (answer.code === 'SignatureDoesNotMatch') {
    const host = seen === null ? '' : ` It saw the Host "${seen}".`
    return `The store saw another request than the one signed: does a proxy between rewrite Host or the path?${host} Let it pass them on as they come, or set ${name} to what arrives.`
  }
  return `Run: postern explain --try with a URL of postern presign. The store says: ${answer.message ?? 'nothing more'}.`
}
