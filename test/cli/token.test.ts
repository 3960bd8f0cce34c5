import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { jwtVerify } from 'jose'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { freePort } from './free-port.ts'
import { makeBench, type Bench } from './run-postern.ts'

let bench: Bench
beforeEach(async () => {
  bench = makeBench()
  await bench.makeStore()
})
afterEach(() => bench.remove())

const secretsFile = (folder = 'storage'): string => join(bench.path, folder, 'secrets.json')
const madeSecret = (folder?: string): Uint8Array =>
  new TextEncoder().encode((JSON.parse(readFileSync(secretsFile(folder), 'utf8')) as { jwtSecret: string }).jwtSecret)

it('verifies with the generated secret, stored with mode 0600', async () => {
  const { exitCode, stdout, stderr } = await bench.run(['token', '--sub', 'alice'])
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  expect(process.platform === 'win32' ? 0o600 : statSync(secretsFile()).mode & 0o777).toBe(0o600)
  const { payload, protectedHeader } = await jwtVerify(stdout.trim(), madeSecret(), { algorithms: ['HS256'] })
  expect(protectedHeader.alg).toBe('HS256')
  expect(payload.sub).toBe('alice')
  expect(payload.exp! - payload.iat!).toBe(3600)
})

it('has issuer, audience and lifetime as configured', async () => {
  await bench.makeStore('data')
  const auth = ['--set', 'auth.issuer=https://me.example.com', '--set', 'auth.audience=files']
  const { stdout } = await bench.run([
    'token',
    '--sub',
    'zoë',
    '--expires',
    '90s',
    '--storage',
    'data',
    '--json',
    ...auth,
  ])
  const { token, expiresAt } = JSON.parse(stdout) as { token: string; expiresAt: string }
  const { payload } = await jwtVerify(token, madeSecret('data'), {
    issuer: 'https://me.example.com',
    audience: 'files',
  })
  expect(payload.sub).toBe('zoë')
  expect(payload.exp! - payload.iat!).toBe(90)
  expect(new Date(expiresAt).getTime()).toBe(payload.exp! * 1000)
})

it('is signed with auth.secret if set', async () => {
  const secret = 'kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0pWcR5tVn2Z'
  const { stdout } = await bench.run(['token', '--sub', 'alice'], { env: { POSTERN_AUTH_SECRET: secret } })
  await expect(jwtVerify(stdout.trim(), new TextEncoder().encode(secret))).resolves.toMatchObject({
    payload: { sub: 'alice' },
  })
})

it('cannot be created if an identity provider signs', async () => {
  const { exitCode, stdout, stderr } = await bench.run([
    'token',
    '--sub',
    'alice',
    '--set',
    'auth.jwksUrl=https://id.example.com/jwks',
  ])
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
  expect(stderr).toContain('only tokens signed by the identity provider (auth.jwksUrl: https://id.example.com/jwks)')
})

it('is created next to an identity provider with auth.allowSecretWithJwks', async () => {
  const { exitCode, stdout } = await bench.run([
    'token',
    '--sub',
    'alice',
    '--set',
    'auth.jwksUrl=https://id.example.com/jwks',
    '--set',
    'auth.allowSecretWithJwks=true',
  ])
  expect(exitCode).toBe(0)
  await expect(jwtVerify(stdout.trim(), madeSecret())).resolves.toMatchObject({ payload: { sub: 'alice' } })
})

it('is not created from a damaged secret', async () => {
  await bench.run(['token', '--sub', 'alice'])
  bench.write('storage/secrets.json', '{')
  expect(await bench.run(['token', '--sub', 'alice'])).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringContaining('is damaged'),
  })
})

it('uses the secret of the running server in development mode, whatever folder it was started with', async () => {
  rmSync(join(bench.path, 'storage'), { recursive: true })
  const port = await freePort()
  const listen = ['--set', `server.listen=127.0.0.1:${port}`, '--set', 'objects.listen=127.0.0.1:0']
  const started = bench.start(['dev', '--ephemeral', ...listen])
  await started.until(/POSTERN_TEST_TOKEN=\S+/)
  const { stdout, stderr } = await bench.run(['token', '--sub', 'alice', ...listen])
  const { status } = await fetch(`http://127.0.0.1:${port}/files`, {
    headers: { authorization: `Bearer ${stdout.trim()}` },
  })
  expect([status, stderr, existsSync(secretsFile())]).toEqual([200, '', false])
})

it('says that the running server will reject the token', async () => {
  const port = await freePort()
  const listen = ['--set', `server.listen=127.0.0.1:${port}`, '--set', 'objects.listen=127.0.0.1:0']
  const started = bench.start(['serve', '--storage', 'elsewhere', ...listen])
  await started.until(/Postern is ready/)
  const { exitCode, stderr } = await bench.run(['token', '--sub', 'alice', ...listen])
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('has another secret and will reject this token')])
  const right = await bench.run(['token', '--sub', 'alice', '--storage', 'elsewhere', ...listen])
  expect(right.stderr).toBe('')
})
