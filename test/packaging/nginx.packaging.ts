/** A real nginx with our sample file (`objects.sendfile: x-accel`): what the gateway decides and what nginx sends. */
import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { internalLocation, forwardedHeaders } from '../../src/s3/sendfile.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { isRoot, names, ops, startNginx, startProxied, type Answer, type Proxied } from './reverse-proxy.ts'
import { askGateway, blobsOf, sha256, upload, type Uploaded } from './transfers.ts'

const MiB = 2 ** 20
const alice = {
  accessKeyId: 'ALICETESTTESTTESTTE1',
  secretAccessKey: 'alice-secret-0123456789abcdef0123456789',
}
let proxied: Proxied
let file: Uploaded
/** Files of nginx in the middle of the upload. */
let keptByNginx: string[] | undefined

/** Bytes that have arrived in files that are being written. */
const arrived = (): number => {
  const folder = join(proxied.dir, 'storage/tmp')
  return Math.max(0, ...readdirSync(folder).map((name) => statSync(join(folder, name)).size))
}

beforeAll(async () => {
  const settings = { objects: { sendfile: 'x-accel' }, keys: [{ ...alice, owner: 'alice' }] }
  proxied = await startProxied(settings, startNginx)
  file = await upload(proxied, 64 * MiB, async () => {
    // nginx passes the body on as it comes: half of it is here before the client sends the rest.
    await vi.waitUntil(() => arrived() > 16 * MiB, { timeout: 30_000 })
    keptByNginx = readdirSync(join(proxied.dir, 'client_body'))
  })
  await signed('PUT', '')
})
afterAll(() => proxied?.close())

function signed(method: string, key: string, headers = {}, body?: Buffer): Promise<Answer> {
  const url = `https://${names.objects}:${proxied.ports.tls}/alices/${key}`
  const length = body ? { 'content-length': String(body.length) } : {}
  const payload = 'UNSIGNED-PAYLOAD'
  const o = { method, url, payload, credentials: alice, region: 'us-east-1', now: new Date() } as const
  const request = signRequest({ ...o, headers: { ...length, ...headers } })
  return proxied.ask(url, { method, headers: request.headers as Record<string, string>, ...(body && { body }) })
}

async function put(key: string, body: Buffer, headers: Record<string, string> = {}): Promise<void> {
  expect(await signed('PUT', key, headers, body)).toMatchObject({ status: 200 })
}

const get = (headers: Record<string, string> = {}): Promise<Answer> => proxied.ask(file.url, { headers })

/** A condition that holds is for the gateway alone: it then sends the bytes. */
const sentHere = { 'if-unmodified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' }

function comparable({ status, headers }: Answer): object {
  const { date: _, 'x-amz-request-id': id, ...rest } = headers
  expect(id).toMatch(/./)
  return { status, ...rest }
}

it('nginx accepts the sample without a warning', () => {
  const files = ['-p', proxied.dir, '-e', 'stderr', '-c', join(proxied.dir, 'nginx.conf')]
  const { status, stdout, stderr } = spawnSync('nginx', ['-t', '-q', ...files], { encoding: 'utf8' })
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' })
})

it('nginx streams an upload without buffering it in a file', () => {
  expect(keptByNginx).toEqual([])
})

describe('a download through nginx', () => {
  it('is sent completely by nginx after the gateway has authorised it', async () => {
    const own = await askGateway(proxied, file.url)
    expect(own).toMatchObject({ status: 200, length: 0 })
    expect(own.headers['x-accel-redirect']).toBe(internalLocation + blobsOf(proxied)[0]!.replaceAll('\\', '/'))
    const answer = await get()
    expect(answer.status).toBe(200)
    expect(sha256(answer.body)).toBe(sha256(file.bytes))
    expect(answer.headers).not.toHaveProperty('x-accel-redirect')
  })

  it('needs only read permission for the group, because blobs have mode 0640', () => {
    const blob = join(proxied.dir, 'storage/objects', blobsOf(proxied)[0]!)
    expect(statSync(blob).mode & 0o777).toBe(0o640)
  })

  it('has every header that the gateway sends with the bytes', async () => {
    const origin = { origin: `https://${names.api}:${proxied.ports.tls}` }
    const handedOff = await get(origin)
    expect(handedOff.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining('sandbox'),
      'content-disposition': expect.stringContaining('attachment'),
      'access-control-allow-origin': '*',
    })
    expect(comparable(handedOff)).toEqual(comparable(await get({ ...origin, ...sentHere })))
  })

  it('has the stored headers, and the checksum if it is requested', async () => {
    const body = Buffer.alloc(2 * MiB, 'stored')
    const checksum = { 'x-amz-checksum-sha256': sha256(body) }
    const stored = { 'content-encoding': 'gzip', 'content-language': 'de', 'cache-control': 'max-age=5' }
    await put('stored', body, {
      ...stored,
      expires: 'Tue, 01 Dec 2026 08:00:00 GMT',
      'x-amz-tagging': 'a=b',
      ...checksum,
    })
    const asked = { 'x-amz-checksum-mode': 'ENABLED' }
    const handedOff = await signed('GET', 'stored', asked)
    expect(handedOff.headers).toMatchObject({ ...stored, ...checksum, 'x-amz-tagging-count': '1' })
    expect(comparable(handedOff)).toEqual(comparable(await signed('GET', 'stored', { ...asked, ...sentHere })))
    const part = await signed('GET', 'stored', { ...asked, range: 'bytes=0-999999' })
    expect(part.status).toBe(206)
    // That of the whole says nothing of a range.
    expect(part.headers).not.toHaveProperty('x-amz-checksum-sha256')
  })

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1000000-40000000', 1_000_000, 40_000_001],
    ['bytes=67000000-', 67_000_000, 64 * MiB],
    ['bytes=1000000-99999999999999999999', 1_000_000, 64 * MiB],
    ['bytes=-9999999', 64 * MiB - 9_999_999, 64 * MiB],
  ])('%s returns that range', async (range, start, end) => {
    const answer = await get({ range })
    expect(answer.status).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/${64 * MiB}`)
    expect(answer.body.equals(file.bytes.subarray(start, end))).toBe(true)
    const { etag, 'content-type': type } = answer.headers
    expect({ etag, type }).toEqual({ etag: expect.stringMatching(/^"/), type: 'application/octet-stream' })
  })

  it('nginx sends a large range, and If-Range returns it for our validators and the whole object for others', async () => {
    const range = 'bytes=1000000-9999999'
    expect((await askGateway(proxied, file.url, { range })).headers).toHaveProperty('x-accel-redirect')
    const { headers } = await get()
    for (const ifRange of [headers.etag!, headers['last-modified']!]) {
      expect((await askGateway(proxied, file.url, { range, 'if-range': ifRange })).length).toBe(0)
      const answer = await get({ range, 'if-range': ifRange })
      expect({ status: answer.status, length: answer.body.length }).toEqual({ status: 206, length: 9_000_000 })
    }
    const other = await get({ range, 'if-range': '"another"' })
    expect({ status: other.status, length: other.body.length }).toEqual({ status: 200, length: 64 * MiB })
  })

  it('several ranges return the whole object, and the gateway rejects one past its end', async () => {
    expect(await get({ range: 'bytes=0-1,5-6' })).toMatchObject({ status: 200 })
    const beyond = await get({ range: `bytes=${64 * MiB}-` })
    expect(beyond.status).toBe(416)
    expect(beyond.body.toString()).toContain('<Code>InvalidRange</Code>')
  })

  it('the gateway evaluates conditions: 304, 412 and 200', async () => {
    const { etag = '', 'last-modified': modified = '' } = (await get({ range: 'bytes=0-0' })).headers
    const { status, headers, body } = await get({ 'if-none-match': etag })
    expect({ status, etag: headers.etag, length: body.length }).toEqual({ status: 304, etag, length: 0 })
    expect((await get({ 'if-modified-since': modified })).status).toBe(304)
    expect((await get({ 'if-match': '"another"' })).status).toBe(412)
    expect((await get({ 'if-match': etag })).body.equals(file.bytes)).toBe(true)
  })
})

describe('clients cannot bypass the gateway', () => {
  it('a rejected request gets the response of the gateway without a file name', async () => {
    const forged = file.url.replace(/X-Amz-Signature=./, 'X-Amz-Signature=_')
    const own = await askGateway(proxied, forged)
    expect(own.status).toBe(403)
    expect(own.headers).not.toHaveProperty('x-accel-redirect')
    const answer = await proxied.ask(forged)
    expect(answer.status).toBe(403)
    expect(answer.body.toString()).toContain('<Code>SignatureDoesNotMatch</Code>')
    expect(JSON.stringify(answer.headers)).not.toContain('_postern_blobs')
  })

  it.each(['', 'x/../', '%2e/', '../_postern_blobs/'])('the internal location is 404 for clients (%s)', async (way) => {
    const origin = `https://${names.objects}:${proxied.ports.tls}`
    const path = internalLocation + way + blobsOf(proxied)[0]!
    for (const headers of [{}, { 'x-accel-redirect': internalLocation }]) {
      const answer = await proxied.ask(origin + path, { headers })
      expect(answer.status).toBe(404)
    }
  })
})

describe('the gateway sends', () => {
  it('an object with metadata, whose names no nginx configuration can list', async () => {
    await put('described', Buffer.alloc(2 * MiB), { 'x-amz-meta-a_lbum': '2026' })
    const answer = await signed('GET', 'described')
    expect(answer.headers).toMatchObject({ 'x-amz-meta-a_lbum': '2026' })
    expect(answer.body.length).toBe(2 * MiB)
  })

  it('small objects, and responses to HEAD', async () => {
    await put('small', Buffer.alloc(1000))
    expect((await signed('GET', 'small')).body.length).toBe(1000)
    const { status, headers } = await signed('HEAD', 'small')
    expect({ status, length: headers['content-length'] }).toEqual({ status: 200, length: '1000' })
  })

  it.runIf(isRoot)('a blob without read permission for nginx is a server error that the client can retry', async () => {
    const before = new Set(blobsOf(proxied))
    await put('closed', Buffer.alloc(2 * MiB))
    const blob = blobsOf(proxied).find((path) => !before.has(path))!
    chmodSync(join(proxied.dir, 'storage/objects', blob), 0o600)
    expect((await signed('GET', 'closed')).status).toBe(500)
  })
})

it('the sample names exactly the headers that the gateway passes to nginx', () => {
  const sample = readFileSync(join(ops, 'nginx/postern.conf'), 'utf8')
  const added = [...sample.matchAll(/add_header (\S+) +\$upstream_http_(\w+);/g)]
  for (const [, name, variable] of added) expect(variable).toBe(name!.toLowerCase().replaceAll('-', '_'))
  const kept = ['cache-control', 'content-disposition', 'content-type', 'expires']
  expect([...added.map(([, name]) => name!.toLowerCase()), ...kept].toSorted()).toEqual(
    [...forwardedHeaders].toSorted(),
  )
})
