/** Security case 91 over real HTTP: access keys that are created, replaced and revoked while the gateway runs. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addKey, revokeKey, rotateKey } from '../../src/config/key-file.ts'
import { createPostForm } from '../../src/sigv4/post-form.ts'
import {
  configured,
  hour,
  refused,
  send,
  sleep,
  soon,
  startRotation,
  type Answer,
  type Credentials,
  type Rotation,
} from './rotation.ts'

let keys: Rotation
beforeEach(async () => {
  keys = await startRotation()
})
afterEach(() => keys.close())

function form(credentials: Credentials, bucket: string, key: string): Promise<Answer> {
  const { url, fields } = createPostForm({
    endpoint: keys.gateway.objectsUrl,
    bucket,
    key,
    pathStyle: true,
    credentials,
    region: 'us-east-1',
    expiresIn: hour,
    fields: {},
    contentLengthRange: { min: 0, max: 100 },
    now: keys.now(),
  })
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  body.append('file', new Blob(['by form']), 'a.txt')
  return send(url, { method: 'POST', body })
}

describe('a key of keys.json', () => {
  test('opens its owner’s buckets as soon as it is created, and nothing once it is revoked', async () => {
    const key = await keys.make('alice')
    expect((await keys.signed(key, 'PUT', '/alice-1')).status).toBe(200)
    const get = keys.url(key, 'GET', 'alice-1', 'a')
    const put = keys.url(key, 'PUT', 'alice-1', 'a')
    expect((await send(put, { method: 'PUT', body: 'before' })).status).toBe(200)
    expect(await send(get)).toMatchObject({ status: 200, text: 'before' })
    expect((await form(key, 'alice-1', 'b')).status).toBe(204)
    expect((await send(keys.url(key, 'PUT', 'postern', 'uploads/a'), { method: 'PUT', body: 'x' })).code).toBe(
      'AccessDenied',
    )
    expect((await send(keys.url(configured, 'GET', 'alice-1', 'a'))).code).toBe('AccessDenied')

    await revokeKey(keys.folder, key.accessKeyId, { after: 0, now: keys.now() })
    await soon(async () => expect(await send(get)).toMatchObject(refused))
    expect(await send(put, { method: 'PUT', body: 'after' })).toMatchObject(refused)
    expect(await keys.signed(key, 'PUT', '/alice-1/a', 'after')).toMatchObject(refused)
    expect(await form(key, 'alice-1', 'b')).toMatchObject(refused)

    // The owner's objects are as they were, and another key of the same owner opens them.
    const another = await keys.make('alice')
    expect(await send(keys.url(another, 'GET', 'alice-1', 'a'))).toMatchObject({ status: 200, text: 'before' })
    expect((await keys.signed(configured, 'PUT', '/carol-1')).status).toBe(200)
  })

  test('expires by the gateway’s clock, without reading the file again', async () => {
    const key = await keys.make('alice')
    await keys.signed(key, 'PUT', '/alice-1')
    await revokeKey(keys.folder, key.accessKeyId, { after: hour, now: keys.now() })
    const list = keys.url(key, 'GET', 'alice-1', 'none')
    await sleep(1100)
    keys.pass(hour - 1)
    expect((await send(list)).code).toBe('NoSuchKey')
    keys.pass(1)
    expect(await send(list)).toMatchObject(refused)
  })

  test('is replaced: both keys work during the overlap, the old one not after', async () => {
    const old = await keys.make('alice')
    await keys.signed(old, 'PUT', '/alice-1')
    await keys.signed(old, 'PUT', '/alice-1/a', 'bytes')
    const { key } = (await rotateKey(keys.folder, old.accessKeyId, { overlap: 24 * hour, now: keys.now() }))!
    const urls = [keys.url(old, 'GET', 'alice-1', 'a'), keys.url(key, 'GET', 'alice-1', 'a')] as const
    await soon(async () => expect((await send(urls[1])).text).toBe('bytes'))
    expect((await send(urls[0])).text).toBe('bytes')
    keys.pass(24 * hour)
    expect(await send(urls[0])).toMatchObject(refused)
    expect((await send(urls[1])).text).toBe('bytes')
  })

  test('does not replace one of the configuration with the same id', async () => {
    const key = (await addKey(keys.folder, {
      owner: 'mallory',
      accessKeyId: configured.accessKeyId,
      taken: new Set(),
      now: keys.now(),
    }))!
    await sleep(1100)
    expect((await keys.signed(configured, 'PUT', '/carol-1')).status).toBe(200)
    expect((await keys.signed(key, 'PUT', '/mallory-1')).code).toBe('SignatureDoesNotMatch')
    expect(keys.log()).toContain('a key of keys.json is ignored')
    expect(keys.log()).not.toContain(key.secretAccessKey)
  })
})

describe('an invalid file', () => {
  test('changes nothing while the gateway runs, is logged once, and is used once it is fixed', async () => {
    const key = await keys.make('alice')
    expect((await keys.signed(key, 'PUT', '/alice-1')).status).toBe(200)
    const file = join(keys.folder, 'keys.json')
    const good = readFileSync(file, 'utf8')
    const { replaced } = (await rotateKey(keys.folder, key.accessKeyId, { overlap: 0, now: keys.now() }))!
    expect(replaced.accessKeyId).toBe(key.accessKeyId)
    writeFileSync(file, good.slice(0, -20))
    const complaints = (): number => keys.log().split('the last ones stay valid').length - 1
    await sleep(1100)
    expect((await keys.signed(key, 'GET', '/alice-1')).status).toBe(200)
    await sleep(1100)
    expect((await keys.signed(key, 'GET', '/alice-1')).status).toBe(200)
    expect(complaints()).toBe(1)
    expect(keys.log()).not.toContain(key.secretAccessKey)
    writeFileSync(file, '{"version":1,"keys":[]}')
    await soon(async () => expect(await keys.signed(key, 'GET', '/alice-1')).toMatchObject(refused))
  })

  test.runIf(process.platform !== 'win32')('stops the start where others may read it', async () => {
    await keys.make('alice')
    const mode = (bits: number) => () => chmodSync(join(keys.folder, 'keys.json'), bits)
    await expect(keys.restart(mode(0o644))).rejects.toThrow('keys.json:1: can be read by other users')
    await keys.restart(mode(0o600))
  })
})
