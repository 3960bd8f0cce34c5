/** Instances that share a catalog must agree on secrets and stores. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { rotateTokens } from '../../src/config/secrets.ts'
import { startGateway, testSecrets, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'
import { startPostgres, type Postgres } from '../fixtures/postgres.ts'

let server: Postgres
let first: RunningGateway
let url: string
let dirs: string
beforeAll(async () => {
  server = await startPostgres()
  url = await server.place()
  dirs = mkdtempSync(join(tmpdir(), 'postern-instances-'))
  first = await startGateway({ database: { url } })
})
afterAll(async () => {
  await first?.close()
  await server?.close()
  rmSync(dirs, { recursive: true, force: true })
})
const signed = (secret: string): Promise<string> =>
  new SignJWT({ exp: Math.floor(Date.now() / 1000) + 3600 })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('alice')
    .sign(new TextEncoder().encode(secret))
const statusAt = async ({ apiUrl }: RunningGateway, token: string): Promise<number> =>
  (await fetch(`${apiUrl}/files/usage`, { headers: { authorization: `Bearer ${token}` } })).status
const another = (settings: Overrides = {}) => startGateway({ database: { url }, ...settings })

it.each([
  [{ auth: { secret: 'another secret of thirty-two bytes or more, for a test' } }, /POSTERN_AUTH_SECRET/],
  [{ auth: { jwksUrl: 'https://id.example.com/keys' } }, /auth\.jwksUrl/],
  [{ storage: { bucket: 'another' } }, /uses another store/],
])('refuses an instance with %j', async (settings, message) => {
  await expect(another(settings)).rejects.toMatchObject({
    code: 'Unavailable',
    message: expect.stringMatching(message),
  })
})

it('every instance accepts tokens of the old and the new secret during a rotation', async () => {
  const [old, fresh] = ['an old secret of thirty-two bytes or more', 'a fresh secret of thirty-two bytes or more']
  const place = await server.place()
  const running: (RunningGateway | null)[] = []
  const start = (dir: string, secret: string) =>
    startGateway({ database: { url: place }, auth: { secret } }, { dir: join(dirs, dir) })
  for (const dir of ['a', 'b']) {
    const folder = join(dirs, dir, 'storage')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'secrets.json'), JSON.stringify(testSecrets), { mode: 0o600 })
    await rotateTokens(folder, { overlap: 3600, now: new Date(), configured: old, chosen: fresh })
    running.push(await start(dir, old))
  }
  onTestFinished(async () => void (await Promise.all(running.map((one) => one?.close()))))
  const everywhere = async (): Promise<number[]> => {
    const tokens = await Promise.all([old, fresh].map(signed))
    const asked = running.flatMap((one) => (one ? tokens.map((token) => statusAt(one, token)) : []))
    return Promise.all(asked)
  }
  expect(await everywhere()).toEqual([200, 200, 200, 200])
  for (const [i, dir] of ['a', 'b'].entries()) {
    await running[i]!.close()
    running[i] = await start(dir, fresh)
    expect(await everywhere()).toEqual([200, 200, 200, 200])
  }
  await expect(startGateway({ database: { url: place }, auth: { secret: 'x'.repeat(40) } })).rejects.toThrow(
    /A new token secret/,
  )
})

it('an instance with the same settings joins, and one with others only after the rest have left', async () => {
  await (await another()).close()
  await first.close()
  const changed = await another({ auth: { secret: 'another secret of thirty-two bytes or more, for a test' } })
  expect((await fetch(`${changed.apiUrl}/readyz`)).status).toBe(200)
  await changed.close()
})
