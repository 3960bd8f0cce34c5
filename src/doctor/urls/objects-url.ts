import { randomBytes } from 'node:crypto'
import { hostSeen, said, type Answer } from '../bucket/store-probe.ts'
import { strippedPrefix } from '../bucket/stripped-prefix.ts'
import { failed, ok, reason, unknown } from '../check.ts'
import type { UrlCheck } from './url-subject.ts'

/** A nonce is written where the server listens and read by a presigned URL: it must be the same server, and the same Host. */
export const objectsUrl: UrlCheck = {
  name: 'objects-url',
  needs: ['server'],
  async run({ objects: probe, objectsUrl: url }) {
    if (probe === null || url === null) return ok('URLs point to the bucket.')
    const nonce = randomBytes(16)
    const key = probe.key('nonce')
    const written = await probe.request({ method: 'PUT', key, body: nonce })
    if (written.status !== 200) return unknown(`The nonce could not be written (${said(written)}).`)
    let read: Answer
    try {
      read = await probe.fetch(probe.presign({ method: 'GET', key }).url, { method: 'GET' })
    } catch (error) {
      return failed(
        `${url} cannot be reached: ${reason(error)}.`,
        'Look at DNS, certificate and proxy; or correct objects.publicUrl.',
      )
    }
    if (read.status === 200 && read.body.equals(nonce)) return ok(`${url} leads here, Host unchanged.`)
    const { host } = new URL(url)
    const arrived = hostSeen(read)
    if (read.code === 'SignatureDoesNotMatch' && arrived !== null && arrived !== host) {
      return failed(
        `A proxy before ${url} rewrites Host: ${host} was sent, ${arrived} arrived. Every presigned URL is refused.`,
        'Let it pass Host on: nginx "proxy_set_header Host $http_host;", Apache "ProxyPreserveHost On"; Caddy and Traefik do.',
      )
    }
    if (read.code === 'SignatureDoesNotMatch') {
      return failed(
        `Through ${url} another request arrives than is sent.`,
        'Let the proxy pass path and query on byte for byte: nginx "proxy_pass http://127.0.0.1:4001;" without a path.',
      )
    }
    const stripped = strippedPrefix(read, url)
    if (stripped) return stripped
    return failed(
      `${url} leads elsewhere (${said(read)}).`,
      'Let the proxy pass it on to objects.listen, or correct objects.publicUrl.',
    )
  },
}
