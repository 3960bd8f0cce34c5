/** A real Apache with mod_xsendfile, configured as in docs/operations.md (`objects.sendfile: x-sendfile`). */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isRoot, names, startProxied, type Answer, type Ports, type Proxied } from './reverse-proxy.ts'
import { askGateway, sha256, upload, type Uploaded } from './transfers.ts'

const modules = '/usr/lib/apache2/modules'
/** Of which some are part of the program in some builds. */
const loaded = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'socache_shmcb', 'ssl', 'xsendfile']
const documented = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
const snippet = /```apache\n([\s\S]*?)```/.exec(documented)![1]!

function startApache(dir: string, ports: Ports): ChildProcess {
  const host = (name: string, body: string): string =>
    `<VirtualHost 127.0.0.1:${ports.tls}>\nServerName ${name}\nSSLEngine on\nSSLCertificateFile ${dir}/cert.pem\n` +
    `SSLCertificateKeyFile ${dir}/key.pem\n${body}\n</VirtualHost>\n`
  const objects = snippet
    .replaceAll('/var/lib/postern/objects', join(dir, 'storage/objects'))
    .replaceAll('127.0.0.1:4001', `127.0.0.1:${ports.objects}`)
  const api = `ProxyPreserveHost On\nProxyPass / http://127.0.0.1:${ports.api}/`
  const lines = [
    `ServerRoot ${dir}`,
    'ServerName localhost',
    `PidFile ${dir}/apache.pid`,
    `DefaultRuntimeDir ${dir}`,
    `ErrorLog ${dir}/apache.log`,
    `Listen 127.0.0.1:${ports.tls}`,
    ...(isRoot ? ['User nobody', 'Group nogroup'] : []),
    ...loaded
      .filter((name) => existsSync(`${modules}/mod_${name}.so`))
      .map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
    host(names.objects, objects),
    host(names.api, api),
  ]
  writeFileSync(join(dir, 'apache.conf'), lines.join('\n'))
  return spawn('apache2', ['-f', join(dir, 'apache.conf'), '-DFOREGROUND'], { stdio: ['ignore', 'pipe', 'pipe'] })
}

let proxied: Proxied
let file: Uploaded
beforeAll(async () => {
  proxied = await startProxied({ objects: { sendfile: 'x-sendfile' } }, startApache)
  file = await upload(proxied, 16 * 2 ** 20)
})
afterAll(() => proxied?.close())

const get = (headers: Record<string, string> = {}): Promise<Answer> => proxied.ask(file.url, { headers })

it('Apache sends a download with our headers and without the path', async () => {
  const own = await askGateway(proxied, file.url)
  expect(own).toMatchObject({
    status: 200,
    length: 0,
    headers: { 'x-sendfile': expect.stringMatching(/[0-9a-f]{32}$/) },
  })
  const answer = await get()
  expect({ status: answer.status, sha256: sha256(answer.body) }).toEqual({ status: 200, sha256: sha256(file.bytes) })
  expect(answer.headers).not.toHaveProperty('x-sendfile')
  const { etag, 'last-modified': modified, 'content-security-policy': policy } = own.headers
  expect(answer.headers).toMatchObject({
    etag,
    'last-modified': modified,
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'content-type': 'application/octet-stream',
  })
})

it('Apache handles ranges, and the gateway handles conditions', async () => {
  const range = await get({ range: 'bytes=1000000-9999999' })
  expect(range).toMatchObject({
    status: 206,
    headers: { 'content-range': `bytes 1000000-9999999/${file.bytes.length}` },
  })
  expect(range.body.equals(file.bytes.subarray(1_000_000, 10_000_000))).toBe(true)
  const { etag = '' } = range.headers
  const held = await get({ range: 'bytes=1000000-9999999', 'if-range': etag })
  expect({ status: held.status, length: held.body.length }).toEqual({ status: 206, length: 9_000_000 })
  expect((await get({ 'if-none-match': etag })).status).toBe(304)
  expect((await get({ 'if-match': etag })).body.length).toBe(file.bytes.length)
})

it('a rejected request does not name a file', async () => {
  const answer = await proxied.ask(file.url.replace(/X-Amz-Signature=./, 'X-Amz-Signature=_'))
  expect(answer.status).toBe(403)
  expect(answer.headers).not.toHaveProperty('x-sendfile')
})
