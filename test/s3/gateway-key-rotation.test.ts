/** Rotation of the key that signs the gateway's URLs while it runs: security case 91 over real HTTP. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endPreviousSigning, rotateSigning } from '../../src/config/secrets.ts'
import { signToken, testSecrets } from '../fixtures/gateway.ts'
import { hour, refused, send, sleep, soon, startRotation, type Answer, type Rotation } from './rotation.ts'

let keys: Rotation
beforeEach(async () => {
  keys = await startRotation()
})
afterEach(() => keys.close())

type Upload = {
  id: string
  key: string
  uploadUrl: string
  headers: Record<string, string>
  fields?: Record<string, string>
}
const api = async <T>(path: string, body?: unknown): Promise<T> => {
  const token = await signToken('alice', { exp: Math.floor(keys.now().getTime() / 1000) + 60 })
  const response = await fetch(keys.gateway.apiUrl + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return (await response.json()) as T
}
const begin = (more: object = {}): Promise<Upload> =>
  api('/files/upload-url', { filename: 'a.txt', mimeType: 'text/plain', expiresIn: 24 * hour, ...more })
const put = ({ uploadUrl, headers }: Upload): Promise<Answer> =>
  send(uploadUrl, { method: 'PUT', headers, body: 'hello' })
const post = ({ uploadUrl, fields = {} }: Upload): Promise<Answer> => {
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  body.append('file', new Blob(['hello'], { type: 'text/plain' }), 'a.txt')
  return send(uploadUrl, { method: 'POST', body })
}
const signerOf = (url: string): string => new URL(url).searchParams.get('X-Amz-Credential')!.split('/')[0]!

test('is replaced: earlier URLs work during the overlap and not after, new ones throughout', async () => {
  const inTime = await begin()
  const tooLate = await begin()
  const formInTime = await begin({ method: 'POST' })
  const formTooLate = await begin({ method: 'POST' })
  expect(signerOf(inTime.uploadUrl)).toBe(testSecrets.signing.accessKeyId)

  const { signing } = await rotateSigning(keys.folder, { overlap: hour, now: keys.now() })
  await soon(async () => expect(signerOf((await begin()).uploadUrl)).toBe(signing.accessKeyId))
  const fresh = await begin()
  keys.pass(hour - 1)
  expect((await put(inTime)).status).toBe(200)
  expect((await post(formInTime)).status).toBeLessThan(300)
  const { id } = await api<{ id: string }>('/files/confirm', { key: inTime.key })
  const { downloadUrl } = await api<{ downloadUrl: string }>(`/files/${id}/download-url`)
  expect(signerOf(downloadUrl)).toBe(signing.accessKeyId)

  keys.pass(1)
  expect(await put(tooLate)).toMatchObject(refused)
  expect(await post(formTooLate)).toMatchObject(refused)
  expect((await put(fresh)).status).toBe(200)
  expect((await send(downloadUrl)).text).toBe('hello')
})

test('without an overlap, revokes earlier URLs', async () => {
  const before = await begin()
  await rotateSigning(keys.folder, { overlap: 0, now: keys.now() })
  await soon(async () => expect(await put(before)).toMatchObject(refused))
  expect((await put(await begin())).status).toBe(200)
})

test('can be revoked early once it is replaced', async () => {
  const before = await begin()
  const { replaced } = await rotateSigning(keys.folder, { overlap: hour, now: keys.now() })
  await soon(async () => expect(signerOf((await begin()).uploadUrl)).not.toBe(replaced.accessKeyId))
  expect((await put(before)).status).toBe(200)
  await endPreviousSigning(keys.folder, replaced.accessKeyId, { after: 0, now: keys.now() })
  await soon(async () => expect(await put(before)).toMatchObject(refused))
})

test('is accepted again after a restart within the overlap', async () => {
  await rotateSigning(keys.folder, { overlap: hour, now: keys.now() })
  await keys.restart()
  const get = keys.url(testSecrets.signing, 'GET', 'postern', 'none')
  expect((await send(get)).code).toBe('NoSuchKey')
  expect(signerOf((await begin()).uploadUrl)).not.toBe(testSecrets.signing.accessKeyId)
  keys.pass(hour)
  expect(await send(get)).toMatchObject(refused)
})

test('ignores a file with another key if a library sets its own', async () => {
  const foreign = { ...testSecrets, signing: { ...testSecrets.signing, accessKeyId: 'POSTERNFOREIGN000000' } }
  await keys.restart(() => writeFileSync(join(keys.folder, 'secrets.json'), JSON.stringify(foreign)))
  await sleep(1100)
  expect(signerOf((await begin()).uploadUrl)).toBe(testSecrets.signing.accessKeyId)
  expect(await keys.signed(foreign.signing, 'GET', '/')).toMatchObject(refused)
})
