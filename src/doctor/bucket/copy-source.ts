import { encodePath } from '../../sigv4/encode.ts'
import { failed, ok, unknown, type Check } from '../check.ts'
import { probeBody } from './put.ts'
import { said, type StoreProbe } from './store-probe.ts'

/** CVE-2026-54330: a presigned PUT with an unsigned x-amz-copy-source must not become a copy. */
export const copySource: Check<StoreProbe> = {
  name: 'copy-source',
  needs: ['presign'],
  async run(probe) {
    const { bucket } = probe.target
    const [secret, target] = [probe.key('presigned'), probe.key('copied')]
    const put = probe.presign({ method: 'PUT', key: target })
    const headers = { ...put.headers, 'x-amz-copy-source': `/${bucket}/${encodePath(secret)}` }
    const answer = await probe.fetch(put.url, { method: 'PUT', headers, body: Buffer.alloc(0) })
    const read = await probe.request({ method: 'GET', key: target })
    if (read.status === 200 && read.body.equals(probeBody)) {
      return failed(
        'The store obeys an x-amz-copy-source that was not signed: whoever holds an upload URL can read any object of the bucket (CVE-2026-54330).',
        'Update the store; until then take the header away from requests with X-Amz-Signature in a proxy in front of it (nginx: proxy_set_header x-amz-copy-source "";), or set storage.delivery: proxied.',
      )
    }
    if (read.status === 200 || read.status === 404)
      return ok(`An unsigned x-amz-copy-source copies nothing (${said(answer)}).`)
    return unknown(`What it made cannot be read (${said(read)}).`)
  },
}
