/** The servers that are measured side by side, each a process of its own on loopback. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { presign } from '../../src/sigv4/presign.ts'

export type Server = {
  name: string
  pid: number
  /** Milliseconds from spawn to the first line it prints. */
  startedIn: number
  urlFor(method: 'PUT' | 'GET', key: string): string
  /** Issues an upload URL over the JSON API; the gateway alone. */
  issue?: { url: string; headers: Record<string, string> }
  stop(): Promise<void>
}

const bench = import.meta.dirname

export async function startGatewayServer(dir: string): Promise<Server> {
  const { child, line, startedIn } = await startNode(['gateway-server.ts', join(dir, 'postern')])
  const { apiUrl, objectsUrl, token, credentials } = JSON.parse(line) as {
    apiUrl: string
    objectsUrl: string
    token: string
    credentials: { accessKeyId: string; secretAccessKey: string }
  }
  return {
    name: 'postern',
    pid: child.pid!,
    startedIn,
    urlFor: (method, key) => presigned(objectsUrl, method, key, credentials),
    issue: { url: `${apiUrl}/files/upload-url`, headers: { authorization: `Bearer ${token}` } },
    stop: () => stop(child),
  }
}

export async function startPlainServer(dir: string): Promise<Server> {
  const { child, line, startedIn } = await startNode(['plain-server.ts', join(dir, 'plain')])
  return {
    name: 'node:http',
    pid: child.pid!,
    startedIn,
    urlFor: (_, key) => `${line}/${key}`,
    stop: () => stop(child),
  }
}

export async function startS3rver(dir: string): Promise<Server> {
  const { child, line, startedIn } = await startNode(['s3rver-server.ts', join(dir, 's3rver')])
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
  return {
    name: 's3rver',
    pid: child.pid!,
    startedIn,
    urlFor: (method, key) => presigned(line, method, key, credentials),
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

function presigned(
  endpoint: string,
  method: 'PUT' | 'GET',
  key: string,
  credentials: { accessKeyId: string; secretAccessKey: string },
): string {
  const signed = presign({
    method,
    endpoint,
    bucket: 'postern',
    key,
    pathStyle: true,
    credentials,
    region: 'us-east-1',
    expiresIn: 3600,
    now: new Date(),
  })
  return signed.url
}

async function startNode([script, ...args]: [string, ...string[]]) {
  const began = performance.now()
  const child = spawn(process.execPath, [join(bench, script), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code} before it listened`)))
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
