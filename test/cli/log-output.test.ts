/** The server keeps serving and stops cleanly with any kind of stdout and stderr, and with or without a reader. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { freePort } from './free-port.ts'
import { makeBench, script, type Bench } from './run-postern.ts'
import { limit } from '../fixtures/time-limit.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let bench: Bench
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

type Served = { child: ChildProcess; api: string; stop(): Promise<number | null> }

type Run = { set?: readonly string[]; nodeArgs?: readonly string[] }

async function serveTo(output: number | 'pipe', { set: more = [], nodeArgs = [] }: Run = {}): Promise<Served> {
  const api = `127.0.0.1:${await freePort()}`
  const objects = `127.0.0.1:${await freePort()}`
  const set = [
    `server.listen=${api}`,
    `objects.listen=${objects}`,
    'storage.disk.minFree=1MiB',
    'log.format=json',
    ...more,
  ]
  const args = ['serve', '--dev', ...set.flatMap((one) => ['--set', one])]
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    cwd: bench.path,
    env: { PATH, HOME },
    stdio: ['ignore', output, output],
  })
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  onTestFinished(() => void child.kill('SIGKILL'))
  const url = `http://${api}`
  await expect
    .poll(
      () =>
        fetch(`${url}/healthz`).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: limit(60_000) },
    )
    .toBe(200)
  return {
    child,
    api: url,
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
  }
}

/** Requests whose log lines are more than a pipe holds and more than may wait. */
async function askMuch(api: string, requests: number): Promise<void> {
  const query = 'x'.repeat(8000)
  for (let i = 0; i < requests; i++) expect((await fetch(`${api}/files?q=${i}&${query}`)).status).toBeLessThan(500)
}

async function droppedLines(api: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${api}/metrics`)).text()
  return Object.fromEntries(
    [...text.matchAll(/^postern_log_lines_dropped_total\{log="(\w+)"\} (\d+)$/gm)].map(([, log, n]) => [
      log,
      Number(n),
    ]),
  )
}

const linux = process.platform === 'linux'

it.runIf(linux).each([1, 2])('a full disk under stdout, stderr and the audit log; workers: %i', async (workers) => {
  const full = openSync('/dev/full', 'w')
  const { api, stop } = await serveTo(full, { set: ['log.audit=/dev/full', `server.workers=${workers}`] })
  closeSync(full)
  await askMuch(api, 20)
  expect(Object.keys(await droppedLines(api)).toSorted()).toEqual(['audit', 'server'])
  expect(await stop()).toBe(0)
})

it.runIf(linux)('an unread pipe drops and counts lines, and reports them once it is read', async () => {
  const path = join(bench.path, 'pipe')
  execFileSync('mkfifo', [path])
  // Open for both, so that it has a reader which does not read.
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  onTestFinished(() => closeSync(pipe))
  const { api, stop } = await serveTo(pipe)
  for (let i = 0; i < 40 && ((await droppedLines(api))['server'] ?? 0) === 0; i++) await askMuch(api, 50)
  expect((await droppedLines(api))['server']).toBeGreaterThan(0)
  const bytes = Buffer.alloc(65_536)
  let text = ''
  await expect
    .poll(
      () => {
        try {
          for (;;) text += bytes.toString('utf8', 0, readSync(pipe, bytes))
        } catch {
          return text
        }
      },
      { timeout: limit(30_000) },
    )
    .toMatch(/"dropped":\d+,"msg":"the log can be written again, \d+ lines were dropped"/)
  expect(text.match(/the log can be written again/g)).toHaveLength(1)
  expect(await stop()).toBe(0)
})

it.runIf(linux)('counts the lines that the primary of several workers drops', async () => {
  const full = openSync('/dev/full', 'w')
  const noisy = join(import.meta.dirname, 'noisy-primary.ts')
  const { api, stop } = await serveTo(full, { set: ['server.workers=2'], nodeArgs: ['--import', noisy] })
  closeSync(full)
  await expect
    .poll(async () => (await droppedLines(api))['server'], { timeout: limit(30_000) })
    .toBeGreaterThanOrEqual(1000)
  expect(await stop()).toBe(0)
})

it('an unread socket', async () => {
  const { child, api, stop } = await serveTo('pipe')
  child.stdout!.pause()
  child.stderr!.pause()
  await askMuch(api, 100)
  expect((await fetch(`${api}/healthz`)).status).toBe(200)
  child.stderr!.resume()
  child.stdout!.resume()
  expect(await stop()).toBe(0)
})

it('a pipe with a closed reader', async () => {
  const { child, api, stop } = await serveTo('pipe')
  child.stdout!.destroy()
  child.stderr!.destroy()
  await askMuch(api, 10)
  expect((await fetch(`${api}/healthz`)).status).toBe(200)
  expect(await stop()).toBe(0)
})

it('writes every line to a file before it ends', async () => {
  const file = openSync(join(bench.path, 'log'), 'w')
  const { api, stop } = await serveTo(file)
  closeSync(file)
  for (let i = 0; i < 10; i++) await fetch(`${api}/files?n=${i}`)
  expect(await stop()).toBe(0)
  const log = readFileSync(join(bench.path, 'log'), 'utf8')
  for (let i = 0; i < 10; i++) expect(log).toContain(`/files?n=${i}`)
})

it('reports an audit log that cannot be opened, the user, and what to do', async () => {
  bench.write('folder/file', '')
  const { exitCode, stderr } = await bench.run(['serve', '--dev', '--set', 'log.audit=folder/file/audit.log'])
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(
    /log\.audit: .*folder\/file\/audit\.log cannot be opened for writing by user .* \(E\w+\)\. .*, or set log\.audit to another file/,
  )
})
