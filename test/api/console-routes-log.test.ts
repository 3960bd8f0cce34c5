/**
 * The live log over HTTP: which requests each user sees, why a URL was refused, and that it contains no credentials.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { as, call, put, store, textFile, upload, type Caller, type Json } from './caller.ts'
import { readEvents, type EventReader } from './event-reader.ts'
import { limit } from '../fixtures/time-limit.ts'

let gateway: RunningGateway
let alice: Caller
const open: EventReader[] = []

beforeEach(async () => {
  gateway = await startGateway({ auth: { admins: ['root'] } })
  alice = await as(gateway, 'alice')
})
afterEach(async () => {
  for (const reader of open.splice(0)) reader.close()
  await gateway.close()
})

async function watch(user: string, headers: Record<string, string> = {}): Promise<EventReader> {
  const authorization = `Bearer ${await gateway.token(user)}`
  const reader = await readEvents(`${gateway.apiUrl}/console/log`, { authorization, ...headers })
  open.push(reader)
  return reader
}

const grant = async (user: Caller, fields: object = {}): Promise<Json> =>
  (await user.post('/files/upload-url', { ...textFile, ...fields })).json

describe('visible requests', () => {
  it('shows users their own requests and those to keys of their uploads, and shows administrators all', async () => {
    const bob = await as(gateway, 'bob')
    const hers = await store(alice, 'hers')
    const his = await store(bob, 'his')
    await fetch(`${gateway.apiUrl}/files`)
    await bob.get('/files/usage')
    await alice.get('/files/usage')
    const isLast = ({ path, user }: { path: string; user: string | null }) =>
      path === '/files/usage' && user === 'alice'

    const forAlice = await watch('alice')
    expect(forAlice.headers.get('content-type')).toContain('text/event-stream')
    await forAlice.request(isLast)
    expect(forAlice.text()).toContain(hers.key)
    expect(forAlice.text()).not.toContain(his.key)
    expect(forAlice.text()).not.toContain('"user":"bob"')
    expect(forAlice.text()).not.toContain('"status":401')

    const forRoot = await watch('root')
    await forRoot.request(isLast)
    for (const seen of [hers.key, his.key, '"user":"bob"', '"status":401']) expect(forRoot.text()).toContain(seen)
  })

  it('shows the owner of a key all requests to it, with object and outcome', async () => {
    const reader = await watch('alice')
    const issued = await upload(alice, 'twelve bytes')
    const entry = await reader.request(({ app }) => app === 'objects')
    expect(entry).toMatchObject({
      method: 'PUT',
      bucket: 'postern',
      key: issued.key,
      outcome: 'ok',
      status: 200,
      size: 12,
      user: null,
      refusal: null,
    })
    expect(entry.ms).toBeGreaterThan(0)
    expect(entry.requestId).toMatch(/^[0-9A-F]{16}$/)
    expect(Math.abs(Date.parse(entry.time) - Date.now())).toBeLessThan(10_000)
  })

  it('rejects a cookie from a foreign page, and requests without a user', async () => {
    const cookie = `postern_token=${await gateway.token('root')}`
    const foreign = await call(`${gateway.apiUrl}/console/log`, { headers: { cookie, origin: 'https://evil.example' } })
    expect([foreign.status, foreign.json.code]).toEqual([403, 'OriginRefused'])
    expect((await call(`${gateway.apiUrl}/console/log`)).status).toBe(401)
  })

  it('leaves out probes, assets and the console itself', async () => {
    const reader = await watch('root')
    for (const path of ['/', '/?x', '/healthz', '/readyz', '/assets/x.js', '/console/status']) await alice.get(path)
    await alice.get('/files/usage')
    expect((await reader.request()).path).toBe('/files/usage')
  })
})

describe('refusals', () => {
  const refused = async (reader: EventReader) => {
    const entry = await reader.request(({ outcome }) => outcome === 'refused')
    return { entry, refusal: entry.refusal!, explanation: entry.refusal!.explanation! }
  }

  it('says when a URL expired and what to do', async () => {
    const issued = await grant(alice, { expiresIn: 1 })
    const reader = await watch('alice')
    await expect.poll(async () => (await put(issued, 'late')).status, { timeout: limit(5000) }).toBe(403)
    const { refusal, explanation } = await refused(reader)
    expect(refusal.code).toBe('AccessDenied')
    expect(explanation.difference).toMatchObject({ code: 'Expired' })
    expect(refusal.advice).toMatch(/URL/)
  })

  it('shows the sent content-type next to the signed one', async () => {
    const issued = await grant(alice)
    const reader = await watch('alice')
    expect((await put(issued, 'x', { ...issued.headers, 'content-type': 'image/png' })).status).toBe(403)
    const { refusal, explanation, entry } = await refused(reader)
    expect(refusal.code).toBe('SignatureDoesNotMatch')
    const first = explanation.rows.find(({ same }) => !same)
    expect(first).toMatchObject({ part: 'header', name: 'content-type', signed: 'text/plain', sent: 'image/png' })
    expect(explanation.difference).toMatchObject({ code: 'HeaderChanged', certain: true })
    expect(entry.refusal!.headers).toContainEqual(['content-type', 'image/png'])
  })

  it('names a parameter that was added', async () => {
    const issued = await grant(alice)
    const reader = await watch('alice')
    await put({ ...issued, uploadUrl: `${issued.uploadUrl}&versionId=1` }, 'x')
    const { explanation } = await refused(reader)
    expect(explanation.difference).toMatchObject({ code: 'ParameterAdded', name: 'versionId' })
  })

  it('gives advice if the signature is valid', async () => {
    const issued = await upload(alice, 'first')
    const reader = await watch('alice')
    await alice.post('/files/confirm', { id: issued.id })
    expect((await put(issued, 'second')).status).toBeGreaterThanOrEqual(400)
    const { refusal } = await refused(reader)
    expect(refusal.explanation).toBeNull()
    expect(refusal.advice).not.toBeNull()
  })

  it('shows refusals of the API with the message of the response', async () => {
    const reader = await watch('alice')
    const { json } = await alice.post('/files/upload-url', { ...textFile, mimeType: 'application/x-msdownload' })
    const { refusal, entry } = await refused(reader)
    expect(refusal).toMatchObject({ code: json.code, message: json.detail, headers: [], explanation: null })
    expect(entry.requestId).toBe(json.requestId)
  })

  it('contains no signature, token or computed MAC', async () => {
    const issued = await grant(alice)
    const reader = await watch('root')
    const signature = new URL(issued.uploadUrl).searchParams.get('X-Amz-Signature')!
    const token = await gateway.token('mallory')
    const broken = await put(issued, 'x', {
      ...issued.headers,
      'content-type': 'image/png',
      'x-amz-security-token': 'session-token-of-somebody',
      cookie: `postern_token=${token}`,
    })
    const headerAuth = `AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${'ab'.repeat(32)}`
    await call(`${gateway.objectsUrl}/postern/k`, { headers: { authorization: headerAuth } })
    await call(`${gateway.apiUrl}/files?access_token=${token}`, { headers: { authorization: 'Bearer a.b.c' } })
    await reader.request(({ path, status }) => path === '/files' && status === 401)
    const text = reader.text()
    expect(text).toContain('X-Amz-Signature=[hidden]')
    for (const secret of [signature, token, 'session-token-of-somebody', 'ab'.repeat(32), 'a.b.c']) {
      expect(text).not.toContain(secret)
    }
    expect(text).not.toMatch(/"[^"]*[0-9a-f]{64}[^"]*"/)
    expect(broken.status).toBe(403)
  })
})
