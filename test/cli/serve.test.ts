import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { request, type ClientRequest } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takePort } from './free-port.ts'
import { makeBench, script, type Bench, type Started } from './run-postern.ts'

let bench: Bench
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

const anyPort = [
  '--set',
  'server.listen=127.0.0.1:0',
  '--set',
  'objects.listen=127.0.0.1:0',
  '--set',
  'storage.disk.minFree=1MiB',
]

type Ready = { api: string; objects: string; bytes: { driver: string; path: string }; dev: boolean; pid: number }
async function ready(server: Started): Promise<Ready> {
  const [line] = await server.until(/^\{"api".*\}$/m)
  return JSON.parse(line) as Ready
}
const serveDev = (...more: string[]): Started => bench.start(['serve', '--dev', '--json', ...anyPort, ...more])

/** An upload of `size` bytes that the server has begun to receive. */
async function beginUpload(api: string, size: number): Promise<ClientRequest> {
  const answer = await fetch(`${api}/files/upload-url`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ filename: 'slow.txt', mimeType: 'text/plain' }),
  })
  const { uploadUrl, headers } = (await answer.json()) as { uploadUrl: string; headers: Record<string, string> }
  const expect100 = { 'content-length': size, expect: '100-continue' }
  const upload = request(uploadUrl, { method: 'PUT', headers: { ...headers, ...expect100 }, agent: false })
  upload.flushHeaders()
  await once(upload, 'continue')
  upload.on('error', () => {})
  upload.write('first')
  return upload
}

describe('serve', () => {
  it('reports in one line of JSON that it is ready, without secrets, and exits with 0 on SIGTERM', async () => {
    const server = serveDev()
    const { api, objects, bytes, dev, pid } = await ready(server)
    expect({ bytes: bytes.driver, dev, pid }).toEqual({ bytes: 'disk', dev: true, pid: server.child.pid })
    expect((await fetch(`${api}/healthz`)).status).toBe(200)
    expect(new URL(objects).origin).not.toBe(new URL(api).origin)
    const file = join(bench.path, 'storage', 'secrets.json')
    expect(process.platform === 'win32' ? 0o600 : statSync(file).mode & 0o777).toBe(0o600)
    const secrets = JSON.parse(readFileSync(file, 'utf8')) as {
      jwtSecret: string
      signing: { secretAccessKey: string }
    }
    server.child.kill('SIGTERM')
    const { exitCode, stdout, stderr } = await server.finished
    expect(exitCode).toBe(0)
    expect(stdout.trim().split('\n')).toHaveLength(1)
    for (const secret of [secrets.jwtSecret, secrets.signing.secretAccessKey])
      expect(stdout + stderr).not.toContain(secret)
  })

  it('exits with 0 on Ctrl-C too if nothing was aborted', async () => {
    const server = serveDev()
    await ready(server)
    server.child.kill('SIGINT')
    expect(await server.finished).toMatchObject({ exitCode: 0, signal: null })
  })

  it('finishes a running upload before it stops', async () => {
    const server = serveDev()
    const { api } = await ready(server)
    const upload = await beginUpload(api, 10)
    server.child.kill('SIGTERM')
    await server.until(/Stopping/)
    const answered = once(upload, 'response')
    upload.end('later')
    const [response] = await answered
    expect(response.statusCode).toBe(200)
    response.resume()
    expect(await server.finished).toMatchObject({ exitCode: 0 })
  })

  it('aborts requests after server.shutdownTimeout, and exits with 130 after Ctrl-C', async () => {
    const server = serveDev('--set', 'server.shutdownTimeout=1s')
    const { api } = await ready(server)
    await beginUpload(api, 10)
    server.child.kill('SIGINT')
    const { exitCode, stderr } = await server.finished
    expect(exitCode).toBe(130)
    expect(stderr).toContain('were aborted')
  })

  it('exits at once on a second Ctrl-C', async () => {
    const server = serveDev()
    const { api } = await ready(server)
    await beginUpload(api, 10)
    server.child.kill('SIGINT')
    await server.until(/Stopping/)
    server.child.kill('SIGINT')
    expect(await server.finished).toMatchObject({ exitCode: 130 })
  })
})

describe('serve refuses', () => {
  it('to listen off loopback with cors "*" and publicUrl auto, and says what to write', async () => {
    const { exitCode, stderr } = await bench.run(['serve', '--set', 'server.listen=0.0.0.0:0'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('cors: { origins: ["https://app.example.com"] }')
    expect(stderr).toContain('server: { publicUrl: "https://files.example.com" }')
    expect(existsSync(join(bench.path, 'storage'))).toBe(false)
  })

  it('--dev off loopback, whatever else is set', async () => {
    const env = {
      POSTERN_SERVER_LISTEN: '0.0.0.0:0',
      POSTERN_SERVER_PUBLIC_URL: 'https://files.example.com',
      POSTERN_CORS_ORIGINS: 'https://app.example.com',
    }
    const { exitCode, stderr } = await bench.run(['serve', '--dev'], { env })
    expect(exitCode).toBe(2)
    expect(stderr).toContain('development mode needs no credentials')
  })

  it('an example secret', async () => {
    const { exitCode, stderr } = await bench.run(['serve'], { env: { POSTERN_AUTH_SECRET: 'your-256-bit-secret' } })
    expect(exitCode).toBe(2)
    expect(stderr).toContain('variable POSTERN_AUTH_SECRET: auth.secret: the secret is a well-known example')
  })

  it.runIf(process.platform !== 'win32')('secrets that others may read', async () => {
    bench.write('storage/secrets.json', '{}')
    const { exitCode, stderr } = await bench.run(['serve', ...anyPort])
    expect(exitCode).toBe(2)
    expect(stderr).toContain("chmod 600 'storage/secrets.json'")
  })

  it('a port in use, in one line that says what to do', async () => {
    const { port, release } = await takePort()
    const { exitCode, stdout, stderr } = await bench.run(['serve', ...anyPort, '--port', String(port)])
    await release()
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    const lines = stderr
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('{'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(
      new RegExp(
        `^server\\.listen: 127\\.0\\.0\\.1:${port} is in use by another program ` +
          '\\(EADDRINUSE\\)\\. Stop it \\(ss -ltnp shows it\\), or choose another port: --port 4010$',
      ),
    )
  })

  it('a port in use for the objects endpoint', async () => {
    const { port, release } = await takePort()
    const { exitCode, stderr } = await bench.run(['serve', ...anyPort, '--set', `objects.listen=127.0.0.1:${port}`])
    await release()
    expect(exitCode).toBe(1)
    expect(stderr).toContain(`127.0.0.1:${port} is in use`)
    expect(stderr).toContain('--set objects.listen=127.0.0.1:4011')
  })

  it.each([1, 2])('both ports if both are taken, with %i worker(s)', async (workers) => {
    const [api, objects] = [await takePort(), await takePort()]
    const more = ['--port', String(api.port), '--set', `objects.listen=127.0.0.1:${objects.port}`]
    const { exitCode, stderr } = await bench.run(['serve', ...anyPort, ...more, '--set', `server.workers=${workers}`])
    await Promise.all([api.release(), objects.release()])
    const lines = stderr.split('\n').filter((line) => line.includes('in use by another program'))
    expect({ exitCode, settings: lines.map((line) => line.split(':')[0]).toSorted() }).toEqual({
      exitCode: 1,
      settings: ['objects.listen', 'server.listen'],
    })
  })

  it.runIf(process.platform === 'linux')('a folder that takes no entries, and ends', async () => {
    const { exitCode, stderr } = await bench.run(['serve', ...anyPort, '--storage', '/proc/postern'])
    expect({ exitCode, lines: stderr.trim().split('\n') }).toEqual({
      exitCode: 1,
      lines: [expect.stringMatching(/^\/proc\/postern\/secrets\.json cannot be .* \(ENOENT\)\. .*--storage\.$/)],
    })
  })
})

it('warns if secrets.json is missing in a store, and not in a new folder', async () => {
  const warnings = (stderr: string): string[] => stderr.split('\n').filter((line) => line.includes('was missing'))
  const first = serveDev()
  await ready(first)
  first.child.kill('SIGTERM')
  expect(warnings((await first.finished).stderr)).toEqual([])
  rmSync(join(bench.path, 'storage/secrets.json'))
  const second = serveDev()
  await ready(second)
  second.child.kill('SIGTERM')
  const [warning, ...more] = warnings((await second.finished).stderr)
  expect(warning).toMatch(
    /storage\/secrets\.json was missing, so new secrets were created\. No file is lost\. User tokens, presigned URLs .*from a backup/,
  )
  expect(more).toEqual([])
})

describe.runIf(process.platform !== 'win32')('the lines it prints', () => {
  /** What stands between the heading and the next empty line. */
  const linesOf = (stderr: string): string => /first file:\n\n([\s\S]*?)\n\n/.exec(stderr)?.[1] ?? ''

  async function paste(lines: string): Promise<string> {
    const own = `postern() { '${process.execPath}' '${script}' "$@"; }\n`
    const { stdout } = await promisify(execFile)('bash', ['-c', own + lines], { cwd: bench.path })
    return stdout
  }

  it('upload and download a file when pasted, in development', async () => {
    const server = bench.start(['serve', '--dev', ...anyPort])
    await server.until(/download-url.*\n\n/)
    const lines = linesOf(server.output().stderr)
    expect(lines).not.toContain('TOKEN')
    expect(await paste(lines)).toBe('hello, postern')
    expect(server.output().stderr).toMatch(/Store {4}disk: .*storage \(\d+ [KMGTP]iB free\)/)
  })

  it('work with a token outside of development, created from the same configuration', async () => {
    bench.write('my config.yaml', 'auth: { issuer: "https://me.example.com" }\n')
    const folder = ['--config', 'my config.yaml', '--storage', 'elsewhere']
    const server = bench.start(['serve', ...anyPort, ...folder, '--set', 'auth.audience=files'])
    await server.until(/download-url.*\n\n/)
    const lines = linesOf(server.output().stderr)
    expect(lines.split('\n')[0]).toBe(
      "TOKEN=$(postern token --sub me --config 'my config.yaml' --storage elsewhere --set auth.audience=files)",
    )
    expect(await paste(lines)).toBe('hello, postern')
  })

  it('ask for a token of the identity provider if only its tokens are accepted', async () => {
    const keySet = ['--set', 'auth.jwksUrl=https://id.example.com/jwks', '--set', 'auth.audience=files']
    const server = bench.start(['serve', ...anyPort, ...keySet])
    await server.until(/download-url.*\n\n/)
    const { stderr } = server.output()
    expect(linesOf(stderr).split('\n')[0]).toBe("TOKEN='<a token from your identity provider>'")
    expect(stderr).toContain('auth.issuer is not set')
    expect(stderr).not.toContain('postern token')
  })
})
