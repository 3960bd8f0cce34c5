/** The servers that are measured side by side, each a process of its own on loopback. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { buildServer } from '../../scripts/build-server.ts'
import { presign } from '../../src/sigv4/presign.ts'

export type Server = {
  name: string
  pid: number
  /** Milliseconds from spawn to the first answer of the gateway, of others to the first line they print. */
  startedIn: number
  urlFor(method: 'PUT' | 'GET', key: string): string
  /** A page of a bucket; the gateway alone. */
  listUrl?(bucket: string, query: Record<string, string>): string
  /** Issues an upload URL over the JSON API; the gateway alone. */
  issue?: { url: string; headers: Record<string, string> }
  stop(): Promise<void>
}

const bench = import.meta.dirname
const checkout = join(bench, '..', '..')

export type Built = { program: string; config: string; storage: string }

/** The gateway as it is installed: built, with settings of its own below `dir`, its dependencies beside it. */
export async function buildGateway(dir: string): Promise<Built> {
  const home = join(dir, 'postern')
  mkdirSync(home, { recursive: true })
  symlinkSync(join(checkout, 'node_modules'), join(home, 'node_modules'), 'junction')
  cpSync(join(checkout, 'package.json'), join(home, 'package.json'))
  cpSync(join(checkout, 'config'), join(home, 'config'), { recursive: true })
  await buildServer(join(home, 'dist'))
  const storage = join(home, 'storage')
  const settings = {
    server: { listen: '127.0.0.1:0' },
    objects: { listen: '127.0.0.1:0' },
    storage: { disk: { path: storage } },
    database: { url: `sqlite:${join(storage, 'catalog.sqlite')}` },
    uploads: { maxSize: '5GiB' },
    limits: { issuePerMinute: 1_000_000_000, requestsPerMinute: 1_000_000_000, pendingUploads: 100_000_000 },
    log: { level: 'warn' },
  }
  const config = join(home, 'bench.yaml')
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(settings))
  return { program: join(home, 'dist/cli/postern.js'), config, storage }
}

export async function startGatewayServer({ program, config, storage }: Built): Promise<Server> {
  const began = performance.now()
  const { child, line } = await startNode([program, 'serve', '--json', '--config', config])
  const { api, objects } = JSON.parse(line) as { api: string; objects: string }
  await (await fetch(`${api}/healthz`)).text()
  const startedIn = performance.now() - began
  const secrets = JSON.parse(readFileSync(join(storage, 'secrets.json'), 'utf8')) as {
    jwtSecret: string
    signing: Credentials
  }
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('bench')
    .setExpirationTime('1d')
    .sign(Buffer.from(secrets.jwtSecret))
  return {
    name: 'postern',
    pid: child.pid!,
    startedIn,
    urlFor: (method, key) => presigned(objects, { method, key }, secrets.signing),
    listUrl: (bucket, query) => presigned(objects, { method: 'GET', bucket, query }, secrets.signing),
    issue: { url: `${api}/files/upload-url`, headers: { authorization: `Bearer ${token}` } },
    stop: () => stop(child),
  }
}

export async function startPlainServer(dir: string): Promise<Server> {
  const { child, line, startedIn } = await startNode([join(bench, 'plain-server.ts'), join(dir, 'plain')])
  return {
    name: 'node:http',
    pid: child.pid!,
    startedIn,
    urlFor: (_, key) => `${line}/${key}`,
    stop: () => stop(child),
  }
}

export async function startS3rver(dir: string): Promise<Server> {
  const { child, line, startedIn } = await startNode([join(bench, 's3rver-server.ts'), join(dir, 's3rver')])
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
  return {
    name: 's3rver',
    pid: child.pid!,
    startedIn,
    urlFor: (method, key) => presigned(line, { method, key }, credentials),
    stop: () => stop(child),
  }
}

/** nginx with WebDAV PUT and sendfile GET, where it is installed; null where it is not. */
export async function startNginx(dir: string, port: number): Promise<Server | null> {
  const found = spawnSync('nginx', ['-V'], { encoding: 'utf8' })
  if (found.error || !found.stderr.includes('http_dav_module')) return null
  const root = join(dir, 'nginx')
  mkdirSync(join(root, 'www', 'postern'), { recursive: true })
  const conf = join(root, 'nginx.conf')
  writeFileSync(
    conf,
    `daemon off; master_process on; worker_processes 1; user root; pid ${root}/pid; error_log ${root}/error.log;
events { worker_connections 512; }
http { access_log off; sendfile on; tcp_nopush on; client_max_body_size 0; client_body_temp_path ${root}/body;
  keepalive_requests 1000000;
  proxy_temp_path ${root}/p; fastcgi_temp_path ${root}/f; uwsgi_temp_path ${root}/u; scgi_temp_path ${root}/s;
  server { listen 127.0.0.1:${port}; root ${root}/www; location / { dav_methods PUT; create_full_put_path on; } } }`,
  )
  const began = performance.now()
  const child = spawn('nginx', ['-p', root, '-c', conf], { stdio: 'inherit' })
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(url).catch(() => null))) {
    if (child.exitCode !== null) return null
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    name: 'nginx',
    pid: child.pid!,
    startedIn: performance.now() - began,
    urlFor: (_, key) => `${url}/postern/${key}`,
    stop: () => stop(child),
  }
}

type Credentials = { accessKeyId: string; secretAccessKey: string }
type Request = { method: 'PUT' | 'GET'; bucket?: string; key?: string; query?: Record<string, string> }

function presigned(endpoint: string, request: Request, credentials: Credentials): string {
  const now = new Date()
  return presign({
    bucket: 'postern',
    ...request,
    endpoint,
    pathStyle: true,
    credentials,
    region: 'us-east-1',
    expiresIn: 86_400,
    now,
  }).url
}

async function startNode(command: string[]) {
  const began = performance.now()
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-4000)))
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
    child.once('exit', (code) => reject(new Error(`${command[0]} ended with ${code} before it listened\n${complaint}`)))
  })
  return { child, line, startedIn: performance.now() - began }
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
