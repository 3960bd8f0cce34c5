/** Rotation of the secret of bearer tokens while the gateway runs. */
import { SignJWT } from 'jose'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadSecrets, rotateTokens } from '../../src/config/secrets.ts'
import { testSecrets } from '../fixtures/gateway.ts'
import { hour, soon, startRotation, type Rotation } from '../s3/rotation.ts'

let rotation: Rotation
beforeEach(async () => {
  rotation = await startRotation()
})
afterEach(() => rotation.close())

const signed = (secret: string, sub = 'alice', lifetime = 30 * 24 * hour): Promise<string> =>
  new SignJWT({ exp: Math.floor(rotation.now().getTime() / 1000) + lifetime })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .sign(new TextEncoder().encode(secret))

const statusOf = async (token: string): Promise<number> => {
  const headers = { authorization: `Bearer ${token}` }
  return (await fetch(`${rotation.gateway.apiUrl}/files/usage`, { headers })).status
}
const rotate = (overlap: number): Promise<{ secret: string; validUntil: string }> =>
  rotateTokens(rotation.folder, { overlap, now: rotation.now(), configured: null })

test('tokens of the old secret work during the overlap and not after, tokens of the new one at once', async () => {
  const before = await signed(testSecrets.jwtSecret)
  const unseen = await signed(testSecrets.jwtSecret, 'bob')
  expect(await statusOf(before)).toBe(200)

  const { secret, validUntil } = await rotate(hour)
  expect(validUntil).toBe(new Date(rotation.now().getTime() + hour * 1000).toISOString())
  const fresh = await signed(secret)
  expect(await statusOf(fresh)).toBe(200)
  rotation.pass(hour - 1)
  expect([await statusOf(before), await statusOf(unseen)]).toEqual([200, 200])

  // One was verified before, one never: neither outlives the secret.
  rotation.pass(1)
  expect([await statusOf(before), await statusOf(await signed(testSecrets.jwtSecret, 'carol'))]).toEqual([401, 401])
  expect(await statusOf(fresh)).toBe(200)
})

test('a token expires at its own time, whatever the overlap', async () => {
  const short = await signed(testSecrets.jwtSecret, 'alice', 60)
  await rotate(hour)
  expect(await statusOf(short)).toBe(200)
  // auth.clockTolerance adds a minute.
  rotation.pass(121)
  expect(await statusOf(short)).toBe(401)
})

test('without an overlap, every replaced secret expires, also for tokens that were just verified', async () => {
  const first = await signed(testSecrets.jwtSecret)
  const { secret } = await rotate(hour)
  const second = await signed(secret)
  expect([await statusOf(first), await statusOf(second)]).toEqual([200, 200])
  const { secret: last } = await rotate(0)
  await soon(async () => expect([await statusOf(first), await statusOf(second)]).toEqual([401, 401]))
  expect(await statusOf(await signed(last))).toBe(200)
  const kept = readFileSync(join(rotation.folder, 'secrets.json'), 'utf8')
  for (const old of [secret, testSecrets.jwtSecret]) expect(kept).not.toContain(old)
})

test('a restart within the overlap keeps all secrets', async () => {
  const before = await signed(testSecrets.jwtSecret)
  await rotate(hour)
  const { jwtSecret } = await loadSecrets(rotation.folder)
  await rotation.restart()
  expect([await statusOf(before), await statusOf(await signed(jwtSecret))]).toEqual([200, 200])
})

test('URLs and access keys are not affected', async () => {
  const url = rotation.url(testSecrets.signing, 'GET', 'postern', 'none')
  await rotate(0)
  expect((await fetch(url)).status).toBe(404)
})
