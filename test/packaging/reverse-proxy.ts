/**
 * nginx or Caddy with our sample configuration in front of a complete gateway, and requests over TLS to its two names.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { freePort } from '../cli/free-port.ts'
import { startGateway, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'

export const ops = join(import.meta.dirname, '../../ops')
export const names = { api: 'files.example.com', objects: 'objects.example.com' }

export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer }
export type Ask = (
  url: string,
  o?: { method?: string; headers?: Record<string, string>; body?: Buffer | string | Readable },
) => Promise<Answer>

export type Ports = { api: number; objects: number; tls: number; plain: number }
export type Proxied = {
  dir: string
  ports: Ports
  gateway: RunningGateway
  /** Over TLS, to 127.0.0.1 whatever the name. */
  ask: Ask
  close(): Promise<void>
}

/** Where the workers of a proxy that was started by root read as somebody else. */
export const isRoot = process.getuid?.() === 0
const nogroup = isRoot ? Number(execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' })) : -1

/** `start` gets the folder with `cert.pem` and `key.pem`, and starts the proxy. */
export async function startProxied(
  settings: Overrides,
  start: (dir: string, ports: Ports) => ChildProcess,
): Promise<Proxied> {
  const dir = mkdtempSync(join(tmpdir(), 'postern-proxy-'))
  const ports = { api: await freePort(), objects: await freePort(), tls: await freePort(), plain: await freePort() }
  makeCertificate(dir)
  shareWithGroup(dir)
  const objects = settings['objects'] as Overrides | undefined
  const gateway = await startGateway(
    {
      cors: { origins: [`https://${names.api}:${ports.tls}`] },
      uploads: { maxSize: '1GiB', allowedTypes: ['*/*'] },
      ...settings,
      server: {
        listen: `127.0.0.1:${ports.api}`,
        publicUrl: `https://${names.api}:${ports.tls}`,
        trustedProxies: ['127.0.0.1'],
      },
      objects: {
        listen: `127.0.0.1:${ports.objects}`,
        publicUrl: `https://${names.objects}:${ports.tls}`,
        ...objects,
      },
    },
    { dir },
  )
  const child = start(dir, ports)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (said += text))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await untilListening(ports.tls, child, () => said)
  return {
    dir,
    ports,
    gateway,
    ask: createAsk(ports.tls, readFileSync(join(dir, 'cert.pem'))),
    async close() {
      child.kill('SIGTERM')
      await ended
      await gateway.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** As docs/operations.md has it: the folder can be passed by the proxy's group, and what is made in it is the group's. */
function shareWithGroup(dir: string): void {
  chmodSync(dir, 0o711)
  if (!isRoot) return
  for (const folder of ['storage', 'storage/tmp', 'storage/objects']) {
    mkdirSync(join(dir, folder))
    chownSync(join(dir, folder), 0, nogroup)
    chmodSync(join(dir, folder), 0o2750)
  }
}

export function makeCertificate(dir: string): void {
  const subject = ['-subj', `/CN=${names.api}`, '-addext', `subjectAltName=DNS:${names.api},DNS:${names.objects}`]
  const files = ['-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...key, '-days', '2', ...subject, ...files], { stdio: 'pipe' })
}

async function untilListening(port: number, child: ChildProcess, said: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the proxy ended with ${child.exitCode}:\n${said()}`)
    const reached = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (reached) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function createAsk(port: number, ca: Buffer): Ask {
  return (url, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      // Not through URL: it would tidy the path.
      const [, host = '', path = '/'] = /^https:\/\/([^/]+)(.*)$/.exec(url) ?? []
      const servername = host.replace(/:\d+$/, '')
      const asked = request(
        { host: '127.0.0.1', port, servername, ca, method, path, headers: { host, ...headers }, agent: false },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject)
          answer.once('end', () =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
          )
        },
      )
      asked.once('error', reject)
      if (body instanceof Readable) void pipeline(body, asked).catch(reject)
      else asked.end(body)
    })
}

/** nginx in the foreground with ops/nginx/postern.conf, its places and ports replaced. */
export function startNginx(dir: string, ports: Ports): ChildProcess {
  return spawn('nginx', nginxArguments(dir, ports), { stdio: ['ignore', 'pipe', 'pipe'] })
}

export function nginxArguments(dir: string, ports: Ports): string[] {
  const replaced: [string | RegExp, string][] = [
    [/^ *listen \[::\].*\n/gm, ''],
    ['listen 80;', `listen 127.0.0.1:${ports.plain};`],
    [/listen 443 ssl;/g, `listen 127.0.0.1:${ports.tls} ssl;`],
    ['127.0.0.1:4000', `127.0.0.1:${ports.api}`],
    ['127.0.0.1:4001', `127.0.0.1:${ports.objects}`],
    [/\/etc\/ssl\/postern\/fullchain\.pem/g, join(dir, 'cert.pem')],
    [/\/etc\/ssl\/postern\/privkey\.pem/g, join(dir, 'key.pem')],
    [/\/var\/lib\/postern\/objects/g, join(dir, 'storage/objects')],
  ]
  const sample = readFileSync(join(ops, 'nginx/postern.conf'), 'utf8')
  writeFileSync(join(dir, 'postern.conf'), substitute(sample, replaced))
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${dir}/${kind};`)
  const main = `${isRoot ? 'user nobody nogroup;' : ''} worker_processes 1; daemon off; pid ${dir}/nginx.pid; error_log stderr;
events {}
http { access_log off; default_type text/html; gzip on; gzip_types *; ${temp.join(' ')} include ${dir}/postern.conf; }`
  writeFileSync(join(dir, 'nginx.conf'), main)
  return ['-p', dir, '-e', 'stderr', '-c', join(dir, 'nginx.conf')]
}

/** Every replacement must find its place: the sample under test is the sample. */
export function substitute(text: string, replaced: readonly [string | RegExp, string][]): string {
  return replaced.reduce((before, [what, by]) => {
    const after = before.replace(what, by)
    if (after === before) throw new Error(`nothing matches ${what}`)
    return after
  }, text)
}
