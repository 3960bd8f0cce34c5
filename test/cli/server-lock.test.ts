/** One server per folder and per SQLite catalog. All other commands work next to it. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { makeBench, type Bench, type Started } from './run-postern.ts'

// Each command is a separate process, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let bench: Bench
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

const ports = ['--set', 'server.listen=127.0.0.1:0', '--set', 'objects.listen=127.0.0.1:0']
const serve = (...more: string[]): Started =>
  bench.start(['serve', '--dev', '--json', ...ports, '--set', 'storage.disk.minFree=1MiB', ...more])
const ready = (server: Started) => server.until(/^\{"api".*\}$/m)
const holder = () => JSON.parse(readFileSync(join(bench.path, 'storage/server.lock.json'), 'utf8')) as object

it('refuses a second server on the folder or the catalog, and names the first', async () => {
  const first = serve()
  await ready(first)
  expect(holder()).toEqual({
    pid: first.child.pid,
    host: hostname(),
    startedAt: expect.stringMatching(/^\d{4}-/) as string,
  })
  const second = await serve().finished
  expect(second).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('"ok":false') as string })
  expect(second.stderr).toContain(`process ${first.child.pid} on ${hostname()}`)
  expect(second.stderr).toContain('--takeover')
  const elsewhere = await serve('--storage', 'other', '--set', 'database.url=sqlite:storage/catalog.sqlite').finished
  expect(elsewhere).toMatchObject({ exitCode: 1 })
  expect(elsewhere.stderr).toMatch(/the catalog .*catalog\.sqlite/)
  expect(existsSync(join(bench.path, 'other/index.sqlite'))).toBe(false)
  first.child.kill('SIGTERM')
  expect(await first.finished).toMatchObject({ exitCode: 0 })
  expect(existsSync(join(bench.path, 'storage/server.lock.json'))).toBe(false)
})

it('allows other commands next to a server, except a repair with a grace period below an hour', async () => {
  const server = serve()
  await ready(server)
  for (const command of [
    ['gc', '--orphans'],
    ['verify'],
    ['verify', '--repair', '--grace', '1h'],
    ['backup', 'backup.tar'],
    ['keys', 'create', '--owner', 'alice'],
    ['quarantine', 'list'],
    ['presign', 'get', 'a.txt'],
  ])
    expect({ command, ...(await bench.run(command)) }).toMatchObject({ command, exitCode: 0 })
  const hasty = await bench.run(['verify', '--repair', '--grace', '5m'])
  expect(hasty).toMatchObject({ exitCode: 2, stdout: '' })
  expect(hasty.stderr).toContain('The minimum is 1h')
  server.child.kill('SIGTERM')
  await server.finished
  expect(await bench.run(['verify', '--repair', '--grace', '5m'])).toMatchObject({ exitCode: 0 })
})

it('is free again after a SIGKILL, also with workers', async () => {
  const first = serve('--set', 'server.workers=2')
  await ready(first)
  expect(await serve().finished).toMatchObject({ exitCode: 1 })
  first.child.kill('SIGKILL')
  await first.finished
  const second = serve('--set', 'server.workers=2')
  await ready(second)
  expect(holder()).toMatchObject({ pid: second.child.pid })
  second.child.kill('SIGTERM')
  expect(await second.finished).toMatchObject({ exitCode: 0 })
})

it('--takeover waits until the first server has drained', async () => {
  const first = serve()
  await ready(first)
  const second = serve('--takeover')
  await second.until(/Waiting until process \d+ on /)
  expect(second.output().stdout).toBe('')
  first.child.kill('SIGTERM')
  expect(await first.finished).toMatchObject({ exitCode: 0 })
  await ready(second)
  expect(holder()).toMatchObject({ pid: second.child.pid })
  const third = serve('--takeover')
  await third.until(/Waiting until/)
  third.child.kill('SIGTERM')
  expect(await third.finished).toMatchObject({ exitCode: 0, stdout: '' })
  second.child.kill('SIGTERM')
  await second.finished
})

it('restores a backup after a server has stopped, but not while it runs', async () => {
  const server = serve('--set', 'database.url=sqlite:storage/catalog.sqlite')
  await ready(server)
  expect(await bench.run(['backup', 'backup.tar'])).toMatchObject({ exitCode: 0 })
  const names = (folder: string): string[] => readdirSync(join(bench.path, folder))
  const isLock = (name: string): boolean => /\.lock(\.json)?$|^writers$/.test(name)
  for (const name of names('storage').filter((each) => !isLock(each)))
    renameSync(join(bench.path, 'storage', name), join(bench.path, `away-${name}`))
  const besides = await bench.run(['restore', 'backup.tar'])
  expect(besides).toMatchObject({ exitCode: 1 })
  expect(besides.stderr).toContain('A server is using')
  const catalog = await bench.run([
    'restore',
    'backup.tar',
    '--storage',
    'other',
    '--set',
    'database.url=sqlite:storage/catalog.sqlite',
  ])
  expect(catalog).toMatchObject({ exitCode: 1 })
  expect(catalog.stderr).toMatch(/A server is using .*catalog\.sqlite/)
  // A kill leaves every lock file behind.
  server.child.kill('SIGKILL')
  await server.finished
  expect(names('storage')).toContain('server.lock')
  for (const name of names('storage').filter((each) => !isLock(each)))
    rmSync(join(bench.path, 'storage', name), { recursive: true })
  expect(await bench.run(['restore', 'backup.tar'])).toMatchObject({ exitCode: 0 })
  expect(await bench.run(['verify', '--deep'])).toMatchObject({ exitCode: 0 })
})
