import { failed, ok, reason, unknown, type Check, type Finding } from '../check.ts'
import { scopeOfHost } from '../host-scope.ts'
import { hostSeen, said, type StoreProbe } from './store-probe.ts'
import { createHash } from 'node:crypto'
import { encodePath } from '../../sigv4/encode.ts'
import { createPostForm } from '../../sigv4/post-form.ts'
import { probeBody } from './object-checks.ts'
import type { Answer } from './traces.ts'

const scopeOfOrigin = (origin: string) => scopeOfHost(new URL(origin).hostname)

/** Checks that browsers can reach the host of presigned URLs. A container's name or a private address works only locally. */
export const publicEndpoint: Check<StoreProbe> = {
  name: 'public-endpoint',
  async run({ target }) {
    const { url, setting } = target.named
    const { hostname } = new URL(url)
    const scope = scopeOfHost(hostname)
    const page = target.origins
      .map((origin) => ({ origin, scope: scopeOfOrigin(origin) }))
      .find((one) => one.scope === 'public')
    if (scope === 'public') {
      const mixed = url.startsWith('http:') && page?.origin.startsWith('https:')
      if (!page || !mixed) return ok(`URLs name ${hostname}.`)
      return failed(
        `URLs use http:// and the page ${page.origin} uses https://. Browsers block such URLs.`,
        `Write https:// in ${setting}.`,
      )
    }
    const fix = `Set ${setting} to the address of the store for browsers. It may differ from the one that this server uses.`
    if (scope === 'internal')
      return failed(`URLs name ${hostname}, which only machines in the same network can resolve.`, fix)
    if (page) return failed(`URLs name ${hostname}, which a browser at ${page.origin} cannot reach.`, fix)
    const who = scope === 'loopback' ? 'this machine' : 'a private network'
    const arePagesHere = target.origins.length > 0 && target.origins.every((one) => scopeOfOrigin(one) === 'loopback')
    return scope === 'loopback' && (target.isOwnEndpoint || arePagesHere)
      ? ok(`URLs name ${hostname}, so they work on ${who}.`)
      : unknown(`URLs name ${hostname}, which only ${who} can reach. Name the origin of your pages: --origin URL.`)
  },
}

/** A presigned PUT and GET at the public endpoint. */
export const roundTrip: Check<StoreProbe> = {
  name: 'presign',
  needs: ['put'],
  async run(probe) {
    const key = probe.key('presigned')
    const put = probe.presign({ method: 'PUT', key, headers: { 'content-type': 'text/plain' } })
    const { publicEndpoint: url, isOwnEndpoint, settings } = probe.target
    const name = settings.publicEndpoint
    let written: Answer
    try {
      written = await probe.fetch(put.url, { method: 'PUT', headers: put.headers, body: probeBody })
    } catch (error) {
      return failed(
        `Presigned URLs point to ${url}, which cannot be reached: ${reason(error)}.`,
        `Set ${name} to the address of the store for browsers.`,
      )
    }
    const stripped = !isOwnEndpoint ? null : strippedPrefix(written, url)
    if (stripped) return stripped
    if (written.status === 411 || written.code === 'MissingContentLength') return lengthLost(url, written)
    if (written.status !== 200)
      return failed(`The store answers ${said(written)} to a presigned PUT.`, fixForSignature(written, name))
    const read = await probe.fetch(probe.presign({ method: 'GET', key }).url, { method: 'GET' })
    if (read.status !== 200 || !read.body.equals(probeBody))
      return failed(`The store answers ${said(read)} to a presigned GET.`, fixForSignature(read, name))
    const bound = probe.target.signsLength ? await putBoundToLength(probe) : written
    return bound.status === 200 ? ok(`Presigned PUT and GET work at ${url}.`) : lengthLost(url, bound)
  },
}

/** Signs Content-Length, as for files of a declared size. */
function putBoundToLength(probe: StoreProbe): Promise<Answer> {
  const headers = { 'content-type': 'text/plain', 'content-length': String(probeBody.length) }
  const put = probe.presign({ method: 'PUT', key: probe.key('presigned-length'), headers })
  return probe.fetch(put.url, { method: 'PUT', headers: { ...put.headers, ...headers }, body: probeBody })
}

const lengthLost = (endpoint: string, answer: Answer): Finding =>
  failed(
    `The store refuses a presigned PUT of known length (${said(answer)}), because a proxy in front of ${endpoint} drops Content-Length ` +
      'and sends the body in chunks.',
    'Configure the proxy to forward Content-Length: nginx "proxy_request_buffering off;" with "proxy_http_version 1.1;", and no filter that rewrites bodies.',
  )

function fixForSignature(answer: Answer, name: string): string {
  const seen = hostSeen(answer)
  if (answer.code === 'SignatureDoesNotMatch') {
    const host = seen === null ? '' : ` The store received Host "${seen}".`
    return `The store received another request than the signed one. Look for a proxy that rewrites Host or the path.${host} Configure it to forward them unchanged, or set ${name} to the address that arrives.`
  }
  return `Run "postern explain --try" with a URL of "postern presign". The message of the store: ${answer.message ?? 'none'}.`
}

/** Null unless the gateway's endpoint reports that the path of its public URL did not arrive. */
export function strippedPrefix(answer: Answer, url: string): Finding | null {
  const prefix = new URL(url).pathname.replace(/\/+$/, '')
  if (prefix === '' || answer.code !== 'InvalidURI' || !answer.message?.includes('mounted below')) return null
  return failed(
    `The endpoint answers: "${answer.message}" A proxy in front of ${url} removes ${prefix} from the path.`,
    `Configure the proxy to forward the path unchanged: nginx "proxy_pass http://127.0.0.1:4001;" without a path, Caddy "handle" instead of "handle_path", Traefik without StripPrefix.`,
  )
}

/** Sends bytes that do not match the signed checksum. */
export const checksum: Check<StoreProbe> = {
  name: 'checksum',
  needs: ['presign'],
  async run(probe) {
    const key = probe.key('checksum')
    const value = createHash('sha256').update('other bytes').digest('base64')
    const put = probe.presign({ method: 'PUT', key, headers: { 'x-amz-checksum-sha256': value } })
    const wrong = await probe.fetch(put.url, { method: 'PUT', headers: put.headers, body: probeBody })
    if (wrong.status >= 400 && wrong.status < 500)
      return ok(`The store rejects a body that does not match its signed checksum (${said(wrong)}).`)
    return failed(
      `The store accepts a body that does not match its signed checksum (${said(wrong)}).`,
      'Set storage.s3.provider to the kind of the store (ceph, or other), so that Postern verifies checksums at confirmation. Or use a store or version that verifies x-amz-checksum-*.',
    )
  },
}

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
        'The store accepts an unsigned x-amz-copy-source, so anyone with an upload URL can read any object of the bucket (CVE-2026-54330).',
        'Update the store. Until then, remove the header from requests with X-Amz-Signature in a proxy in front of the store (nginx: proxy_set_header x-amz-copy-source "";), or set storage.delivery: proxied.',
      )
    }
    if (read.status === 200 || read.status === 404)
      return ok(`The store copies nothing for an unsigned x-amz-copy-source (${said(answer)}).`)
    return unknown(`The object that the store wrote could not be read (${said(read)}).`)
  },
}

export const ifNoneMatch: Check<StoreProbe> = {
  name: 'if-none-match',
  needs: ['presign'],
  async run(probe) {
    const key = probe.key('presigned')
    const put = probe.presign({ method: 'PUT', key, headers: { 'if-none-match': '*' } })
    const answer = await probe.fetch(put.url, { method: 'PUT', headers: put.headers, body: probeBody })
    if (answer.status === 412) return ok('If-None-Match prevents an object from being replaced.')
    if (answer.status === 501 && probe.target.isOwnEndpoint)
      return ok('The bucket does not support If-None-Match, so Postern seals files with a copy.')
    return failed(
      `The store answers a PUT with If-None-Match: * over an object with ${said(answer)} instead of 412.`,
      'Set storage.s3.provider: other, so that Postern seals files with a copy at confirmation.',
    )
  },
}

/** Sends a form upload of the allowed size and one that is too large. */
export const postPolicy: Check<StoreProbe> = {
  name: 'post',
  needs: ['presign'],
  async run(probe) {
    const most = probeBody.length
    const taken = await post(probe, 'form', probeBody, most)
    if (taken.status >= 300) {
      const fix =
        'Upload with PUT (method "PUT", the default). Set storage.s3.provider to the kind of the store, so that Postern rejects method "POST".'
      return failed(`The store answers ${said(taken)} to a form upload.`, fix)
    }
    const big = await post(probe, 'big-form', Buffer.concat([probeBody, probeBody]), most)
    if (big.status >= 400 && big.status < 500)
      return ok('Form uploads work, and the store enforces their content-length-range.')
    return failed(
      'The store accepts a form upload beyond its content-length-range.',
      'Set storage.s3.provider: other, so that Postern rejects method "POST".',
    )
  },
}

async function post(probe: StoreProbe, name: string, file: Buffer, max: number): Promise<Answer> {
  const { target } = probe
  const contentLengthRange = { min: 1, max }
  const form = createPostForm({
    ...target,
    endpoint: target.publicEndpoint,
    key: probe.key(name),
    contentLengthRange,
    expiresIn: 300,
    now: probe.now(),
  })
  const boundary = 'postern-doctor-7d1c0a'
  const fields = Object.entries(form.fields).map(
    ([field, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
  )
  const head = `${fields.join('')}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: text/plain\r\n\r\n`
  const body = Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${boundary}--\r\n`)])
  return probe.fetch(form.url, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body,
  })
}
