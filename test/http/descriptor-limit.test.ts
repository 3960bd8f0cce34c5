import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { StorageError } from '../../src/errors.ts'
import { connectionsFor, connectionsHere } from '../../src/http/descriptor-limit.ts'
import { createLogger } from '../../src/http/logger.ts'
import { freePort } from '../cli/free-port.ts'
import { makeBench, script } from '../cli/run-postern.ts'
import { limit } from '../fixtures/time-limit.ts'

it('reserves two descriptors per connection, and leaves some for everything else', () => {
  expect(connectionsFor(10_000, null)).toBe(10_000)
  expect(connectionsFor(10_000, 65_536)).toBe(10_000)
  expect(connectionsFor(10_000, 1024)).toBe(384)
  expect(connectionsFor(100, 1024)).toBe(100)
  expect(connectionsFor(10_000, 64)).toBe(16)
})

it('warns about a limit that was set, and only logs a lowered default', () => {
  const levels = (isDefault: boolean): string[] => {
    const said: string[] = []
    const log = { warn: () => void said.push('warn'), info: () => void said.push('info') }
    expect(connectionsHere(10_000, { log: log as never, isDefault, descriptors: 1024 })).toBe(384)
    return said
  }
  expect([levels(false), levels(true)]).toEqual([['warn'], ['info']])
})

it('logs once that descriptors ran out, and what to do', () => {
  const lines: string[] = []
  const log = createLogger({ level: 'info', format: 'json' }, { write: (line) => void lines.push(line) })
  const cause = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
  for (let i = 0; i < 3; i++) log.error({ err: new StorageError('Unavailable', { cause }) }, 'request failed')
  log.error({ err: new Error('another') }, 'request failed')
  const reports = lines.filter((line) => line.includes('LimitNOFILE'))
  expect(reports).toHaveLength(1)
  expect(lines).toHaveLength(5)
})

it.runIf(process.platform === 'linux')(
  'lowers the default of limits.connections, says so, and serves at the limit',
  async () => {
    const bench = makeBench()
    const port = await freePort()
    const settings = [`server.listen=127.0.0.1:${port}`, 'objects.listen=shared', 'storage.disk.minFree=1MiB']
    const args = [script, 'serve', '--dev', ...settings.flatMap((one) => ['--set', one])]
    const child = spawn('sh', ['-c', 'ulimit -n 128; exec "$0" "$@"', process.execPath, ...args], {
      cwd: bench.path,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const exited = new Promise((resolve) => child.once('close', resolve))
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await exited
      await bench.remove()
    })
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
    const url = `http://127.0.0.1:${port}/healthz`
    const health = () =>
      fetch(url, { headers: { connection: 'close' } }).then(
        ({ status }) => status,
        () => 0,
      )
    await expect.poll(health, { timeout: limit(60_000) }).toBe(200)
    expect(log).toContain(
      'limits.connections is 10000, but this process may open only 128 files, enough for 32 connections',
    )
    const sockets: Socket[] = Array.from({ length: 60 }, () => connect(port, '127.0.0.1').on('error', () => {}))
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()))
    await expect.poll(health).toBe(503)
    for (const socket of sockets) socket.destroy()
    await expect.poll(health).toBe(200)
    expect(log).not.toContain('too many files are open')
  },
  120_000,
)
