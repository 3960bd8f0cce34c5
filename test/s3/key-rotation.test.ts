/** Security row 91 over real HTTP: keys that come, are replaced and end while the gateway runs. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { addKey, revokeKey, rotateKey, type StoredKey } from '../../src/config/key-file.ts'
import { endPreviousSigning, rotateSigning } from '../../src/config/secrets.ts'
import { createLogger } from '../../src/http/logger.ts'
import { createPostForm } from '../../src/sigv4/post-form.ts'
import { presign } from '../../src/sigv4/presign.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { signToken, startGateway, testSecrets, type RunningGateway } from '../fixtures/gateway.ts'
import { sha256 } from './endpoint.ts'

type Credentials = { accessKeyId: string; secretAccessKey: string }
type Answer = { status: number; code: string | undefined; text: string }

const configured = {
  accessKeyId: 'CONFIGURED',
  secretAccessKey: 'a secret of the configuration, for tests',
  owner: 'carol',
}
const hour = 3600

let dir: string
let folder: string
let clock: Date
let lines: string[]
let gateway: RunningGateway

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'postern-rotation-'))
  folder = join(dir, 'storage')
  mkdirSync(folder)
  writeFileSync(join(folder, 'secrets.json'), JSON.stringify(testSecrets), { mode: 0o600 })
  clock = new Date('2026-03-04T12:00:00Z')
  lines = []
  gateway = await start()
})
afterEach(async () => {
  await gateway.close()
  rmSync(dir, { recursive: true, force: true })
})

const start = (): Promise<RunningGateway> =>
  startGateway(
    { keys: [configured] },
    { dir, now: () => clock, log: createLogger({ level: 'info', format: 'json' }, { write: (l) => void lines.push(l) }) },
  )
const pass = (seconds: number): void => {
  clock = new Date(clock.getTime() + seconds * 1000)
}
const make = async (owner: string): Promise<StoredKey> =>
  (await addKey(folder, { owner, taken: new Set(), now: clock }))!

async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  return { status: response.status, code: /<Code>(\w+)<\/Code>/.exec(text)?.[1], text }
}

const urlFor = (by: Credentials, method: string, bucket: string, key: string, expiresIn = 7 * 24 * hour): string =>
  presign({
    method,
    endpoint: gateway.objectsUrl,
    bucket,
    key,
    pathStyle: true,
    credentials: by,
    region: 'us-east-1',
    expiresIn,
    now: clock,
  }).url

/** By its Authorization header. */
function signed(by: Credentials, method: string, path: string, body = ''): Promise<Answer> {
  const url = gateway.objectsUrl + path
  const { headers } = signRequest({
    method,
    url,
    headers: {},
    payload: sha256(body),
    credentials: by,
    region: 'us-east-1',
    now: clock,
  })
  return send(url, { method, headers: headers as Record<string, string>, ...(body === '' ? {} : { body }) })
}

function form(by: Credentials, bucket: string, key: string): Promise<Answer> {
  const { url, fields } = createPostForm({
    endpoint: gateway.objectsUrl,
    bucket,
    key,
    pathStyle: true,
    credentials: by,
    region: 'us-east-1',
    expiresIn: hour,
    fields: {},
    contentLengthRange: { min: 0, max: 100 },
    now: clock,
  })
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  body.append('file', new Blob(['by form']), 'a.txt')
  return send(url, { method: 'POST', body })
}

const soon = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 2000, interval: 50 })
const refused = { status: 403, code: 'InvalidAccessKeyId' }

describe('a key of keys.json', () => {
  test('opens its owner’s buckets as soon as it is made, and nothing once it is revoked', async () => {
    const key = await make('alice')
    expect((await signed(key, 'PUT', '/alice-1')).status).toBe(200)
    const get = urlFor(key, 'GET', 'alice-1', 'a')
    const put = urlFor(key, 'PUT', 'alice-1', 'a')
    expect((await send(put, { method: 'PUT', body: 'before' })).status).toBe(200)
    expect(await send(get)).toMatchObject({ status: 200, text: 'before' })
    expect((await form(key, 'alice-1', 'b')).status).toBe(204)
    expect((await send(urlFor(key, 'PUT', 'postern', 'uploads/a'), { method: 'PUT', body: 'x' })).code).toBe('AccessDenied')
    expect((await send(urlFor(configured, 'GET', 'alice-1', 'a'))).code).toBe('AccessDenied')

    await revokeKey(folder, key.accessKeyId, { after: 0, now: clock })
    await soon(async () => expect(await send(get)).toMatchObject(refused))
    expect(await send(put, { method: 'PUT', body: 'after' })).toMatchObject(refused)
    expect(await signed(key, 'PUT', '/alice-1/a', 'after')).toMatchObject(refused)
    expect(await form(key, 'alice-1', 'b')).toMatchObject(refused)

    // The owner's objects are as they were, and another key of the same owner opens them.
    const another = await make('alice')
    await new Promise((wake) => setTimeout(wake, 100))
    expect(await send(urlFor(another, 'GET', 'alice-1', 'a'))).toMatchObject({ status: 200, text: 'before' })
    expect((await signed(configured, 'PUT', '/carol-1')).status).toBe(200)
  })

  test('ends at its hour by the gateway’s clock, without anything being read again', async () => {
    const key = await make('alice')
    await signed(key, 'PUT', '/alice-1')
    await revokeKey(folder, key.accessKeyId, { after: hour, now: clock })
    const list = urlFor(key, 'GET', 'alice-1', 'none')
    await new Promise((wake) => setTimeout(wake, 1100))
    pass(hour - 1)
    expect((await send(list)).code).toBe('NoSuchKey')
    pass(1)
    expect(await send(list)).toMatchObject(refused)
  })

  test('is replaced: both keys work during the overlap, the old one not after', async () => {
    const old = await make('alice')
    await signed(old, 'PUT', '/alice-1')
    await signed(old, 'PUT', '/alice-1/a', 'bytes')
    const { key } = (await rotateKey(folder, old.accessKeyId, { overlap: 24 * hour, now: clock }))!
    const urls = [urlFor(old, 'GET', 'alice-1', 'a'), urlFor(key, 'GET', 'alice-1', 'a')] as const
    await soon(async () => expect((await send(urls[1])).text).toBe('bytes'))
    expect((await send(urls[0])).text).toBe('bytes')
    pass(24 * hour)
    expect(await send(urls[0])).toMatchObject(refused)
    expect((await send(urls[1])).text).toBe('bytes')
  })

  test('does not stand in for one of the configuration with the same id', async () => {
    const key = (await addKey(folder, {
      owner: 'mallory',
      accessKeyId: configured.accessKeyId,
      taken: new Set(),
      now: clock,
    }))!
    await new Promise((wake) => setTimeout(wake, 1100))
    expect((await signed(configured, 'PUT', '/carol-1')).status).toBe(200)
    expect((await signed(key, 'PUT', '/mallory-1')).code).toBe('SignatureDoesNotMatch')
    expect(lines.join('')).toContain('a key of keys.json is not used')
    expect(lines.join('')).not.toContain(key.secretAccessKey)
  })
})

describe("the gateway's own key", () => {
  type Upload = { id: string; key: string; uploadUrl: string; headers: Record<string, string>; fields?: Record<string, string> }
  const api = async <T>(path: string, body?: unknown): Promise<T> => {
    const token = await signToken('alice', { exp: Math.floor(clock.getTime() / 1000) + 60 })
    const response = await fetch(gateway.apiUrl + path, {
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

  test('is replaced: URLs issued before work during the overlap and not after, new ones throughout', async () => {
    const inTime = await begin()
    const tooLate = await begin()
    const formInTime = await begin({ method: 'POST' })
    const formTooLate = await begin({ method: 'POST' })
    expect(signerOf(inTime.uploadUrl)).toBe(testSecrets.signing.accessKeyId)

    const { signing } = await rotateSigning(folder, { overlap: hour, now: clock })
    await soon(async () => expect(signerOf((await begin()).uploadUrl)).toBe(signing.accessKeyId))
    const fresh = await begin()
    pass(hour - 1)
    expect((await put(inTime)).status).toBe(200)
    expect((await post(formInTime)).status).toBeLessThan(300)
    const { id } = await api<{ id: string }>('/files/confirm', { key: inTime.key })
    const { downloadUrl } = await api<{ downloadUrl: string }>(`/files/${id}/download-url`)
    expect(signerOf(downloadUrl)).toBe(signing.accessKeyId)

    pass(1)
    expect(await put(tooLate)).toMatchObject(refused)
    expect(await post(formTooLate)).toMatchObject(refused)
    expect((await put(fresh)).status).toBe(200)
    expect((await send(downloadUrl)).text).toBe('hello')
  })

  test('without an overlap, ends what was issued before', async () => {
    const before = await begin()
    await rotateSigning(folder, { overlap: 0, now: clock })
    await soon(async () => expect(await put(before)).toMatchObject(refused))
    expect((await put(await begin())).status).toBe(200)
  })

  test('can be ended early once it is replaced', async () => {
    const before = await begin()
    const { replaced } = await rotateSigning(folder, { overlap: hour, now: clock })
    await soon(async () => expect(signerOf((await begin()).uploadUrl)).not.toBe(replaced.accessKeyId))
    expect((await put(before)).status).toBe(200)
    await endPreviousSigning(folder, replaced.accessKeyId, { after: 0, now: clock })
    await soon(async () => expect(await put(before)).toMatchObject(refused))
  })

  test('is accepted again after a restart within the overlap', async () => {
    const get = urlFor(testSecrets.signing, 'GET', 'postern', 'none')
    await rotateSigning(folder, { overlap: hour, now: clock })
    const port = new URL(gateway.objectsUrl).port
    await gateway.close()
    const again = await startGateway(
      { keys: [configured], objects: { listen: `127.0.0.1:${port}` } },
      { dir, now: () => clock },
    )
    expect((await send(get)).code).toBe('NoSuchKey')
    pass(hour)
    expect(await send(get)).toMatchObject(refused)
    await again.close()
  })

  test('follows no file that holds another one: a library may bring its own', async () => {
    await gateway.close()
    const foreign = { ...testSecrets, signing: { ...testSecrets.signing, accessKeyId: 'POSTERNFOREIGN000000' } }
    writeFileSync(join(folder, 'secrets.json'), JSON.stringify(foreign), { mode: 0o600 })
    gateway = await start()
    await new Promise((wake) => setTimeout(wake, 1100))
    expect(signerOf((await begin()).uploadUrl)).toBe(testSecrets.signing.accessKeyId)
    expect(await signed(foreign.signing, 'GET', '/')).toMatchObject(refused)
  })
})

describe('a file that is not right', () => {
  test('changes nothing while the gateway runs, is logged once, and counts when it is mended', async () => {
    const key = await make('alice')
    expect((await signed(key, 'PUT', '/alice-1')).status).toBe(200)
    const file = join(folder, 'keys.json')
    const good = readFileSync(file, 'utf8')
    const { replaced } = (await rotateKey(folder, key.accessKeyId, { overlap: 0, now: clock }))!
    expect(replaced.accessKeyId).toBe(key.accessKeyId)
    writeFileSync(file, good.slice(0, -20))
    const complaints = (): number => lines.filter((line) => line.includes('stay as they were read last')).length
    await new Promise((wake) => setTimeout(wake, 1100))
    expect((await signed(key, 'GET', '/alice-1')).status).toBe(200)
    await new Promise((wake) => setTimeout(wake, 1100))
    expect((await signed(key, 'GET', '/alice-1')).status).toBe(200)
    expect(complaints()).toBe(1)
    expect(lines.join('')).not.toContain(key.secretAccessKey)
    writeFileSync(file, '{"version":1,"keys":[]}')
    await soon(async () => expect(await signed(key, 'GET', '/alice-1')).toMatchObject(refused))
  })

  test.runIf(process.platform !== 'win32')('stops the start where others may read it', async () => {
    await make('alice')
    await gateway.close()
    chmodSync(join(folder, 'keys.json'), 0o644)
    await expect(start()).rejects.toThrow('keys.json:1: can be read by other users')
    chmodSync(join(folder, 'keys.json'), 0o600)
    gateway = await start()
  })
})
