/** A real Caddy with our sample file. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { names, ops, startProxied, substitute, type Ports, type Proxied } from './reverse-proxy.ts'
import { sha256, upload } from './transfers.ts'

const sample = join(ops, 'caddy/Caddyfile')
let proxied: Proxied

function startCaddy(dir: string, ports: Ports): ChildProcess {
  const site = (name: string): string =>
    `https://${name}:${ports.tls} {\n\ttls ${join(dir, 'cert.pem')} ${join(dir, 'key.pem')}\n`
  const text = substitute(readFileSync(sample, 'utf8'), [
    [`\n${names.api} {\n`, `\n${site(names.api)}`],
    [`\n${names.objects} {\n`, `\n${site(names.objects)}`],
    ['127.0.0.1:4000', `127.0.0.1:${ports.api}`],
    ['127.0.0.1:4001', `127.0.0.1:${ports.objects}`],
  ])
  const file = join(dir, 'Caddyfile')
  writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n${text}`)
  const env = { ...process.env, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir, HOME: dir }
  return spawn('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
}

beforeAll(async () => {
  proxied = await startProxied({}, startCaddy)
})
afterAll(() => proxied?.close())

it('the sample is valid, and formatted by caddy fmt', () => {
  execFileSync('caddy', ['validate', '--adapter', 'caddyfile', '--config', sample], { stdio: 'pipe' })
  const formatted = execFileSync('caddy', ['fmt', sample], { encoding: 'utf8' })
  expect(formatted.trim()).toBe(readFileSync(sample, 'utf8').trim())
})

it('a signed upload succeeds, and is read back completely and by ranges', async () => {
  const { url, bytes } = await upload(proxied, 16 * 2 ** 20)
  const whole = await proxied.ask(url)
  expect({ status: whole.status, sha256: sha256(whole.body) }).toEqual({ status: 200, sha256: sha256(bytes) })
  expect(whole.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'content-length': String(bytes.length) })
  const range = await proxied.ask(url, { headers: { range: 'bytes=1000000-1999999', 'accept-encoding': 'gzip' } })
  expect(range).toMatchObject({ status: 206, body: bytes.subarray(1_000_000, 2_000_000) })
  expect((await proxied.ask(url, { headers: { 'if-none-match': whole.headers.etag! } })).status).toBe(304)
})

it('rejects a URL that was signed for another host, because Caddy forwards Host unchanged', async () => {
  const { url } = await upload(proxied, 1000)
  const other = url.replace(`//${names.objects}`, `//${names.api}`)
  // The API answers a signed request with the address of the objects endpoint.
  expect((await proxied.ask(other)).status).toBe(400)
  expect((await proxied.ask(url.replace(/X-Amz-Signature=./, 'X-Amz-Signature=_'))).status).toBe(403)
})

it('serves the console and /readyz', async () => {
  const api = `https://${names.api}:${proxied.ports.tls}`
  expect(JSON.parse((await proxied.ask(`${api}/readyz`)).body.toString())).toMatchObject({ status: 'ready' })
})
