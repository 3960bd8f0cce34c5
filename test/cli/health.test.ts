import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'
import { makeBench, type Bench } from './run-postern.ts'

let bench: Bench
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

async function serving(answer: RequestListener): Promise<string> {
  const server: Server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.closeAllConnections())
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('health', () => {
  it('checks the server of the same configuration: 0 while it is ready, 1 once it has stopped', async () => {
    const port = await freePort()
    const env = { PORT: String(port) }
    const settings = ['--set', 'objects.listen=127.0.0.1:0', '--set', 'storage.disk.minFree=1MiB']
    const server = bench.start(['serve', '--json', ...settings], { env })
    await server.until(/^\{"api".*\}$/m)
    expect(await bench.run(['health'], { env })).toMatchObject({ exitCode: 0, stdout: 'ready\n', stderr: '' })

    server.child.kill('SIGTERM')
    await server.finished
    const { exitCode, stdout, stderr } = await bench.run(['health', '--json'], { env })
    expect(exitCode).toBe(1)
    const url = `http://127.0.0.1:${port}/readyz`
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      url,
      status: null,
      detail: 'nothing listens there. Check that the server is running.',
    })
    expect(stderr).toBe('')
  })

  it('uses loopback if the server listens on all addresses', async () => {
    const url = await serving((_, answer) => void answer.end('{"status":"ready"}'))
    const settings = { server: { listen: `0.0.0.0:${new URL(url).port}`, publicUrl: 'https://files.example.com' } }
    bench.write('config/local.yaml', JSON.stringify({ ...settings, cors: { origins: ['https://files.example.com'] } }))
    const { exitCode, stdout } = await bench.run(['health', '--json'])
    expect({ exitCode, ...(JSON.parse(stdout) as object) }).toMatchObject({ exitCode: 0, url: `${url}/readyz` })
  })

  it('checks another server with --url, below its path, and prints its response', async () => {
    const problem = { status: 503, detail: 'The disk is full.' }
    const url = await serving((request, answer) => {
      answer.statusCode = request.url === '/files/readyz' ? 503 : 200
      answer.end(request.url === '/files/readyz' ? JSON.stringify(problem) : '{"status":"ok"}')
    })
    const refused = await bench.run(['health', '--url', `${url}/files/`])
    expect(refused).toMatchObject({ exitCode: 1, stdout: '', stderr: `${url}/files/readyz: The disk is full.\n` })
    // 200 alone is said by many.
    const other = await bench.run(['health', '--url', url])
    expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('answered 200, but not like Postern') })
    expect((await bench.run(['health', '--url', 'localhost:4000'])).exitCode).toBe(2)
  })

  it('does not wait forever', async () => {
    const url = await serving(() => {})
    const { exitCode, stderr } = await bench.run(['health', '--url', url])
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: `${url}/readyz: no response within 4 s.\n` })
  })
})
