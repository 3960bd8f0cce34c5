/**
 * Requests made of malformed pieces, correctly signed or not, some damaged afterwards, to both origins. No response is
 * 5xx (501 names the unsupported feature), no error is logged, and the next request works.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { presign } from '../../src/sigv4/presign.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { upload } from '../api/caller.ts'
import { connect, type RawAnswer } from '../fixtures/raw-http.ts'
import {
  documents,
  fieldNames,
  fieldValues,
  headerNames,
  headerValues,
  methods,
  oddities,
  parameters,
  paths,
  pieces,
  splinters,
} from './odd-pieces.ts'
import { keys, startHarness, type Harness } from './harness.ts'
import { limit } from '../fixtures/time-limit.ts'

let harness: Harness
let token: string
let ids: string[]
beforeAll(async () => {
  harness = await startHarness({ limits: { pendingUploads: 100_000 } })
  token = await harness.gateway.token('alice')
  await harness.signed('alice', 'PUT', '/alice-1')
  await harness.signed('alice', 'PUT', '/alice-1/k', { body: 'there' })
  await harness.signed('gateway', 'PUT', '/postern/public/p', { body: 'there' })
  const alice = await harness.user('alice')
  const file = await upload(alice, 'text')
  const parts = (await alice.post('/files/multipart', { filename: 'a.txt', mimeType: 'text/plain', size: 3 })).json
  ids = [file.id, file.key, parts.id, encodeURIComponent(file.key)]
})
afterAll(() => harness?.close())

const damage = fc.array(fc.tuple(fc.nat(1200), fc.constantFrom(...splinters)), { maxLength: 3 })
const damaged = (text: string, changes: [number, string][]): string =>
  changes.reduce((all, [at, piece]) => all.slice(0, at) + piece + all.slice(piece === '' ? at + 3 : at), text)

const query = fc
  .array(fc.tuple(fc.constantFrom(...parameters), fc.constantFrom(...pieces)), { maxLength: 3 })
  .map((list) => list.map(([name, value]) => `${name}=${value}`).join('&'))
const headers = fc
  .array(fc.tuple(fc.constantFrom(...headerNames), fc.constantFrom(...headerValues)), { maxLength: 3 })
  .map((list) => Object.fromEntries(list))
const sometimes = <T>(usual: T, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary })

/** What our own signer would not sign is left to the requests that are damaged after signing. */
function presignedOrNull(o: Parameters<typeof presign>[0]): string | null {
  try {
    return presign(o).url
  } catch {
    return null
  }
}

async function send(base: string, method: string, text: string): Promise<RawAnswer | null> {
  const connection = await connect(base)
  try {
    await connection.send(Buffer.from(text, 'latin1')).catch(() => {})
    // What waits for more bytes learns that none will come.
    const ending = setTimeout(() => connection.socket.end(), 60)
    return await connection.answer({ head: method === 'HEAD' }).finally(() => clearTimeout(ending))
  } catch (error) {
    // Closed without a word, as after CONNECT or half a request; a server that hangs is another matter.
    expect(String(error)).not.toMatch(/nothing within/)
    return null
  } finally {
    connection.close()
  }
}

const failures = (): string[] => harness.log.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)

async function harmless(base: string, method: string, text: string): Promise<void> {
  const before = failures().length
  const answer = await send(base, method, text)
  const status = answer?.status ?? 0
  expect(status === 501 || status < 500).toBe(true)
  expect(failures().slice(before)).toEqual([])
  harness.log.length = 0
}

const lines = (all: Record<string, string | string[]>): string =>
  Object.entries(all)
    .map(([name, value]) => `${name}: ${String(value)}\r\n`)
    .join('')

test('the objects endpoint', { timeout: limit(120_000) }, async () => {
  const property = fc.asyncProperty(
    fc.constantFrom(...methods),
    sometimes('/alice-1/k', fc.constantFrom(...paths)),
    query,
    headers,
    fc.tuple(
      fc.constantFrom(...documents),
      fc.array(fc.tuple(fc.nat(200), fc.constantFrom(...oddities)), { maxLength: 2 }),
    ),
    fc.constantFrom('nobody', 'header', 'query'),
    fc.constantFrom('alice' as const, 'gateway' as const),
    sometimes<[number, string][]>([], damage),
    async (method, path, parameterText, extra, [document, inserted], by, who, changes) => {
      const body = Buffer.from(damaged(document, inserted)).toString('latin1')
      const all: Record<string, string> = { 'content-length': String(body.length), ...extra }
      let target = parameterText === '' ? path : `${path}?${parameterText}`
      let head: Record<string, string | string[]> = { host: new URL(harness.objectsAt).host, ...all }
      const credentials = keys[who]
      const now = new Date()
      if (by === 'header') {
        const url = harness.objectsAt + target
        head = signRequest({
          method,
          url,
          headers: all,
          payload: 'UNSIGNED-PAYLOAD',
          credentials,
          region: 'us-east-1',
          now,
        }).headers
      } else if (by === 'query') {
        const [, bucket = '', ...key] = path.split('/')
        if (bucket === '' || key.join('') === '' || key.some((part) => /^\.|%/.test(part)) || /%/.test(bucket)) return
        const url = presignedOrNull({
          method,
          endpoint: harness.objectsAt,
          bucket,
          key: key.join('/'),
          pathStyle: true,
          query: Object.fromEntries(new URLSearchParams(parameterText.replaceAll('%zz', ''))),
          headers: all,
          credentials,
          region: 'us-east-1',
          expiresIn: 600,
          now,
        })
        if (url === null) return
        target = url.slice(harness.objectsAt.length)
      }
      await harmless(
        harness.objectsAt,
        method,
        damaged(`${method} ${target} HTTP/1.1\r\n${lines(head)}\r\n${body}`, changes),
      )
    },
  )
  await fc.assert(property, { numRuns: 500 })
  expect((await harness.signed('alice', 'GET', '/')).status).toBe(200)
})

test('the API', { timeout: limit(120_000) }, async () => {
  const id = fc.nat(9).map((n) => (n < 8 ? ids[n % ids.length]! : pieces[n]!))
  const routes = fc.oneof(
    fc.constantFrom(
      '/files',
      '/files/upload-url',
      '/api/upload-url',
      '/files/confirm',
      '/files/multipart',
      '/files/usage',
    ),
    fc.constantFrom('/', '/healthz', '/readyz', '/nothing', '/assets/%2e%2e', '/files/'),
    fc
      .tuple(
        fc.constantFrom('/files/', '/files/multipart/', '/public/', '/assets/', '/'),
        id,
        fc.constantFrom('', '/', '/content', '/parts', '/complete', '/download-url', '/upload-url', '/links'),
      )
      .map((list) => list.join('')),
  )
  const property = fc.asyncProperty(
    sometimes('POST', fc.constantFrom(...methods)),
    routes,
    query,
    headers,
    fc
      .array(fc.tuple(fc.constantFrom(...fieldNames), fc.constantFrom(...fieldValues)), { maxLength: 5 })
      .map((list) => Object.fromEntries(list)),
    sometimes<[number, string][]>([], damage),
    async (method, path, parameterText, extra, fields, changes) => {
      const body = method === 'GET' || method === 'HEAD' ? '' : Buffer.from(JSON.stringify(fields)).toString('latin1')
      const head = {
        host: new URL(harness.gateway.apiUrl).host,
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': String(body.length),
        ...extra,
      }
      const target = parameterText === '' ? path : `${path}?${parameterText}`
      // The page may not have been built where the tests run.
      if (/^\/(\?|$)/.test(target)) return
      await harmless(
        harness.gateway.apiUrl,
        method,
        damaged(`${method} ${target} HTTP/1.1\r\n${lines(head)}\r\n${body}`, changes),
      )
    },
  )
  await fc.assert(property, { numRuns: 500 })
  await sleep(10)
  expect((await (await harness.user('alice')).get('/files')).status).toBe(200)
})
