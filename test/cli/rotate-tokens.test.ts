import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { makeBench, type Bench, type Started } from './run-postern.ts'
import { limit } from '../fixtures/time-limit.ts'

let bench: Bench
beforeEach(async () => {
  bench = makeBench()
  await bench.makeStore()
})
afterEach(() => bench.remove())

const anyPort = ['server.listen=127.0.0.1:0', 'objects.listen=127.0.0.1:0', 'storage.disk.minFree=1MiB']
const oldSecret = 'kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0pWcR5tVn2Z'

async function serve(env: Record<string, string> = {}): Promise<{ server: Started; api: string }> {
  const server = bench.start(['serve', '--json', ...anyPort.flatMap((setting) => ['--set', setting])], { env })
  const [ready] = await server.until(/^\{"api".*\}$/m)
  return { server, api: (JSON.parse(ready) as { api: string }).api }
}
const tokenOf = async (sub: string, env: Record<string, string> = {}): Promise<string> =>
  (await bench.run(['token', '--sub', sub], { env })).stdout.trim()
const statusOf = async (api: string, token: string): Promise<number> =>
  (await fetch(`${api}/files/usage`, { headers: { authorization: `Bearer ${token}` } })).status

it('replaces the secret of a running server', async () => {
  const { api } = await serve()
  const before = await tokenOf('alice')
  expect(await statusOf(api, before)).toBe(200)
  const rotated = await bench.run(['keys', 'rotate', '--tokens', '--overlap', '1h'])
  expect(rotated).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/accepted until \d{4}-.*Z\.\n$/) })
  const after = await tokenOf('alice')
  expect([await statusOf(api, before), await statusOf(api, after)]).toEqual([200, 200])

  const ended = await bench.run(['keys', 'rotate', '--tokens', '--overlap', '0', '--json'])
  expect(Object.keys(JSON.parse(ended.stdout) as object)).toEqual(['where', 'replaces'])
  const kept = readFileSync(join(bench.path, 'storage', 'secrets.json'), 'utf8')
  expect(ended.stdout + ended.stderr + rotated.stdout).not.toContain(
    (JSON.parse(kept) as { jwtSecret: string }).jwtSecret,
  )
  await vi.waitFor(async () => expect([await statusOf(api, before), await statusOf(api, after)]).toEqual([401, 401]), {
    timeout: limit(5000),
  })
})

it(
  'keeps an old secret of the configuration over the restart that brings the new one',
  { timeout: limit(60_000) },
  async () => {
    const old = { POSTERN_AUTH_SECRET: oldSecret }
    const { server, api } = await serve(old)
    const before = await tokenOf('alice', old)
    const rotated = await bench.run(['keys', 'rotate', '--tokens', '--overlap', '1h'], { env: old })
    expect(rotated.exitCode).toBe(0)
    expect(rotated.stderr).toContain('variable POSTERN_AUTH_SECRET')
    expect(rotated.stdout + rotated.stderr).not.toContain(oldSecret)
    const [, secret = ''] = /^POSTERN_AUTH_SECRET=([\w-]{64})\n$/.exec(rotated.stdout) ?? []
    const fresh = { POSTERN_AUTH_SECRET: secret }
    // So that it does not matter who changes first, the server or who issues tokens.
    expect([await statusOf(api, before), await statusOf(api, await tokenOf('bob', fresh))]).toEqual([200, 200])
    server.child.kill('SIGTERM')
    await server.finished

    const again = await serve(fresh)
    expect([await statusOf(again.api, before), await statusOf(again.api, await tokenOf('bob', fresh))]).toEqual([
      200, 200,
    ])
  },
)

it('accepts a shared secret for several servers', async () => {
  const old = { POSTERN_AUTH_SECRET: oldSecret }
  const file = join(bench.path, 'new-secret')
  const secret = randomBytes(48).toString('base64')
  writeFileSync(file, `${secret}\n`)
  const { api } = await serve(old)
  const rotate = (env: Record<string, string>, ...args: string[]) =>
    bench.run(['keys', 'rotate', '--tokens', '--secret-file', ...args], { env })
  for (const repeated of [1, 2]) {
    const rotated = await rotate(old, file)
    expect([repeated, rotated.exitCode]).toEqual([repeated, 0])
    expect(rotated.stdout).toMatch(/^Both secrets are accepted until \d{4}-.*Z\.\n$/)
    expect(rotated.stdout + rotated.stderr).not.toContain(secret)
  }
  const tokens = [await tokenOf('alice', old), await tokenOf('bob', { POSTERN_AUTH_SECRET: secret })]
  expect(await Promise.all(tokens.map((token) => statusOf(api, token)))).toEqual([200, 200])
  const kept = JSON.parse(readFileSync(join(bench.path, 'storage', 'secrets.json'), 'utf8'))
  expect(kept.previousTokens.map((one: { secret: string }) => one.secret)).toEqual([oldSecret, secret])

  expect(await rotate({ POSTERN_AUTH_SECRET: secret }, file)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('contains the current secret'),
  })
  writeFileSync(file, 'short')
  expect(await rotate(old, file)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('too short') })
  expect(await rotate(old, 'nowhere')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('ENOENT') })
})

it('rejects conflicting options', async () => {
  const both = await bench.run(['keys', 'rotate', '--tokens', '--gateway'])
  expect([both.exitCode, both.stderr]).toEqual([2, expect.stringContaining('--tokens')])
})
