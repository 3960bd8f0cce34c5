/** Security cases 97 to 99 and 104 to 106: responses to browsers, and their headers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKeyRing } from '../../src/s3/key-ring.ts'
import { element, keys, startEndpoint, type Endpoint } from './endpoint.ts'

let endpoint: Endpoint
const files = {
  'page.html': 'text/html',
  'drawing.svg': 'image/svg+xml',
  'paper.pdf': 'application/pdf',
  'photo.png': 'image/png',
  'note.txt': 'text/plain; charset=utf-8',
  'shouting.png': 'IMAGE/PNG',
  'data.bin': '',
} as const
type Name = keyof typeof files

beforeAll(async () => {
  endpoint = await startEndpoint()
  for (const [name, type] of Object.entries(files)) {
    for (const folder of ['uploads', 'public']) {
      const headers: Record<string, string> = { 'content-disposition': 'inline', 'cache-control': 'public, max-age=60' }
      if (type) headers['content-type'] = type
      await endpoint.signed('gateway', 'PUT', `/postern/${folder}/${name}`, { body: name, headers })
    }
  }
})
afterAll(() => endpoint.close())

const signedGet = (name: string, query: Record<string, string> = {}): ReturnType<Endpoint['raw']> =>
  endpoint.raw('GET', endpoint.target('gateway', 'GET', 'postern', `uploads/${name}`, { query }))

const sandboxHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'cross-origin',
  'accept-ranges': 'bytes',
}

describe.each(['signed', 'anonymous'])('%s', (how) => {
  test.each(Object.keys(files) as Name[])('%s', async (name) => {
    const answer = how === 'signed' ? await signedGet(name) : await endpoint.raw('GET', `/postern/public/${name}`)
    expect(answer.text).toBe(name)
    expect(Object.fromEntries(answer.headers)).toMatchObject(sandboxHeaders)
    expect(answer.headers.get('content-type')).toBe(files[name] || 'binary/octet-stream')
    const inline = ['photo.png', 'shouting.png', 'note.txt'].includes(name)
    expect(answer.headers.get('content-disposition')).toBe(inline ? 'inline' : 'attachment')
    expect(answer.headers.get('cache-control')).toMatch(how === 'signed' ? /^private/ : /^public/)
    expect(answer.headers.get('cache-control')).not.toMatch(how === 'signed' ? /public/ : /private/)
    expect(answer.headers.has('set-cookie')).toBe(false)
  })
})

test("a signed response-content-type changes the type but not the document's rights", async () => {
  const answer = await signedGet('photo.png', { 'response-content-type': 'text/html' })
  expect(answer.headers.get('content-type')).toBe('text/html')
  expect(answer.headers.get('content-disposition')).toBe('attachment')
  expect(Object.fromEntries(answer.headers)).toMatchObject(sandboxHeaders)
  const shown = await signedGet('photo.png', {
    'response-content-type': 'text/html',
    'response-content-disposition': 'inline',
  })
  expect(Object.fromEntries(shown.headers)).toMatchObject(sandboxHeaders)
})

test('the six overrides', async () => {
  const answer = await signedGet('photo.png', {
    'response-content-type': 'text/plain',
    'response-content-language': 'de',
    'response-expires': 'Thu, 01 Jan 2032 00:00:00 GMT',
    'response-cache-control': 'no-cache',
    'response-content-disposition': 'attachment; filename="é.txt"',
    'response-content-encoding': 'identity',
  })
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/plain',
    'content-language': 'de',
    expires: 'Thu, 01 Jan 2032 00:00:00 GMT',
    'cache-control': 'no-cache',
    'content-disposition': 'attachment; filename="é.txt"',
    'content-encoding': 'identity',
  })
})

test.each(['a\r\nSet-Cookie: b', 'a\u2014b', 'a\0b', '💾'])('response-content-disposition %j', async (value) => {
  const answer = await signedGet('photo.png', { 'response-content-disposition': value })
  expect([answer.status, element(answer, 'Code')]).toEqual([400, 'InvalidArgument'])
  expect(answer.headers.has('set-cookie')).toBe(false)
})

test('overrides without a signature', async () => {
  const answer = await endpoint.raw('GET', '/postern/public/photo.png?response-content-type=text%2Fhtml')
  expect([answer.status, element(answer, 'Code')]).toEqual([400, 'InvalidRequest'])
})

test('a bucket read by its owner returns objects as written', async () => {
  await endpoint.store.createBucket('alice-1', { owner: 'alice' })
  const headers = {
    'content-type': 'text/html',
    'content-disposition': 'inline',
    'cache-control': 'public, max-age=14400',
    'content-language': 'mi',
    'content-encoding': 'aws-chunked,gzip',
    expires: 'Thu, 01 Jan 2032 00:00:00 GMT',
  }
  await endpoint.signed('alice', 'PUT', '/alice-1/page', { body: 'x', headers })
  const answer = await endpoint.signed('alice', 'HEAD', '/alice-1/page')
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    ...headers,
    ...sandboxHeaders,
    'content-encoding': 'gzip',
  })
})

describe('CORS', () => {
  const get = async (origin: string, path = '/postern/public/photo.png'): Promise<Map<string, string>> =>
    (await endpoint.raw('GET', path, { origin })).headers
  const preflight = (origin: string, path: string, more: Record<string, string> = {}): ReturnType<Endpoint['raw']> =>
    endpoint.raw('OPTIONS', path, { origin, 'access-control-request-method': 'PUT', ...more })

  const strangers = [
    'https://evil.example',
    'null',
    'https://app.example.com.evil.example',
    'https://evil-app.example.com',
    'http://app.example.com',
  ]
  const allowOrigin = 'access-control-allow-origin'

  test.each([...strangers, 'https://app.example.com'])(
    'a page of %s reads what a signature or public visibility authorises, without credentials',
    async (origin) => {
      const signed = endpoint.target('gateway', 'GET', 'postern', 'uploads/photo.png')
      const head = endpoint.target('gateway', 'HEAD', 'postern', 'uploads/photo.png')
      const unchanged = (await endpoint.raw('GET', signed)).headers.get('etag') ?? ''
      const answers = [
        await endpoint.raw('GET', '/postern/public/photo.png', { origin }),
        await endpoint.raw('GET', signed, { origin }),
        await endpoint.raw('HEAD', head, { origin }),
        await endpoint.raw('GET', signed, { origin, range: 'bytes=0-1' }),
        await endpoint.raw('GET', signed, { origin, range: 'bytes=1000000-' }),
        await endpoint.raw('GET', signed, { origin, 'if-none-match': unchanged }),
        await endpoint.raw('GET', endpoint.target('gateway', 'GET', 'postern', 'uploads/gone'), { origin }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 206, 416, 304, 404])
      for (const { headers } of answers) {
        expect(headers.get(allowOrigin)).toBe('*')
        expect(headers.has('access-control-allow-credentials')).toBe(false)
        expect(headers.get('vary')).toBe('Origin')
        expect(headers.get('access-control-expose-headers')).toMatch(/Content-Encoding/)
      }
    },
  )

  test.each(strangers)(
    'a page of %s reads no listing, no setting and no refusal, and writes nothing',
    async (origin) => {
      const signed = (method: string, path: string, query = {}) =>
        endpoint.signed('alice', method, path, { query, headers: { origin } })
      const answers = [
        await signed('GET', '/'),
        await signed('GET', '/alice-1'),
        await signed('GET', '/alice-1', { 'list-type': '2' }),
        await signed('GET', '/alice-1', { cors: '' }),
        await signed('GET', '/alice-1/page', { acl: '' }),
        await signed('PUT', '/alice-1/other'),
        await endpoint.raw('GET', '/postern/uploads/photo.png', { origin }),
        await endpoint.raw('GET', `${endpoint.target('gateway', 'GET', 'postern', 'uploads/photo.png')}x`, { origin }),
      ]
      for (const { headers } of answers) {
        expect(headers.has(allowOrigin)).toBe(false)
        expect(headers.get('vary')).toBe('Origin')
      }
    },
  )

  test.each(strangers)('a preflight of %s is answered as the request would be', async (origin) => {
    const ask = async (target: string, method: string): Promise<(number | string | undefined)[]> => {
      const more = { 'access-control-request-method': method, 'access-control-request-headers': 'x-a' }
      const { status, headers } = await preflight(origin, target, more)
      return [status, headers.get(allowOrigin), headers.get('access-control-allow-methods')]
    }
    const url = (method: string): string => endpoint.target('gateway', method, 'postern', 'uploads/photo.png')
    const open = [200, '*', 'GET, HEAD']
    const refused = [403, undefined, undefined]
    expect(await ask('/postern/public/photo.png', 'GET')).toEqual(open)
    expect(await ask(url('GET'), 'GET')).toEqual(open)
    expect(await ask(url('HEAD'), 'HEAD')).toEqual(open)
    expect(await ask(url('GET'), 'HEAD')).toEqual(refused)
    expect(await ask(`${url('GET')}x`, 'GET')).toEqual(refused)
    expect(await ask(url('PUT'), 'PUT')).toEqual(refused)
    expect(await ask('/postern/uploads/photo.png', 'GET')).toEqual(refused)
    expect(await ask('/postern/', 'GET')).toEqual(refused)
  })

  test('a public key opens nothing to pages of other origins', async () => {
    const ring = createKeyRing([{ ...keys.alice, owner: 'alice', wellKnown: true }])
    const dev = await startEndpoint({ keys: ring })
    try {
      await dev.store.createBucket('alice-1', { owner: 'alice' })
      await dev.signed('alice', 'PUT', '/alice-1/k', { body: 'bytes' })
      const target = dev.target('alice', 'GET', 'alice-1', 'k')
      for (const origin of strangers) {
        const answer = await dev.raw('GET', target, { origin })
        expect([answer.status, answer.headers.has(allowOrigin)]).toEqual([200, false])
        const asked = await dev.raw('OPTIONS', target, { origin, 'access-control-request-method': 'GET' })
        expect([asked.status, asked.headers.has(allowOrigin)]).toEqual([403, false])
      }
      const listed = await dev.raw('GET', target, { origin: 'https://app.example.com' })
      expect(listed.headers.get(allowOrigin)).toBe('https://app.example.com')
    } finally {
      await dev.close()
    }
  })

  test('metadata and the content encoding are exposed to the page by name', async () => {
    const headers = { 'content-encoding': 'gzip', 'x-amz-meta-album': '2026', 'x-amz-meta-b.c': 'd' }
    await endpoint.signed('alice', 'PUT', '/alice-1/described', { body: 'x', headers })
    for (const method of ['GET', 'HEAD']) {
      for (const origin of ['null', 'https://app.example.com']) {
        const answer = await endpoint.raw(method, endpoint.target('alice', method, 'alice-1', 'described'), { origin })
        const exposed = answer.headers.get('access-control-expose-headers')?.split(', ')
        expect(exposed).toEqual(
          expect.arrayContaining(['ETag', 'Content-Encoding', 'x-amz-meta-album', 'x-amz-meta-b.c']),
        )
        expect(exposed).not.toContain('*')
      }
    }
    const plain = await get('null')
    expect(plain.get('access-control-expose-headers')).not.toContain('x-amz-meta')
  })

  test.each(strangers)('the origin %s is not allowed', async (origin) => {
    const refused = await preflight(origin, '/postern/uploads/x')
    expect([refused.status, refused.headers.has('access-control-allow-origin')]).toEqual([403, false])
  })

  test('the configured origin is allowed, on responses, errors and preflights', async () => {
    const origin = 'https://app.example.com'
    const headers = await get(origin)
    expect(headers.get(allowOrigin)).toBe('*')
    expect(headers.get('access-control-expose-headers')).toMatch(/ETag, Location.*x-amz-request-id.*x-amz-version-id/)
    for (const path of ['/postern/uploads/x', '/postern/%zz', '/postern/uploads/x?X-Amz-Signature=a']) {
      const refused = await endpoint.raw('GET', path, { origin })
      expect(refused.status).toBeGreaterThanOrEqual(400)
      expect(refused.headers.get('access-control-allow-origin')).toBe(origin)
    }
    const asked = await preflight(origin, '/postern/uploads/x?X-Amz-Signature=a', {
      'access-control-request-headers': 'content-type,x-amz-meta-a',
    })
    expect(asked.status).toBe(200)
    expect(asked.headers.get('access-control-allow-methods')).toContain('PUT')
    expect(asked.headers.get('access-control-allow-headers')).toBe('content-type, x-amz-meta-a')
    expect(Number(asked.headers.get('access-control-max-age'))).toBeGreaterThan(0)
    expect((await endpoint.raw('GET', '/postern/public/photo.png')).headers.get('vary')).toBe('Origin')
  })

  test('another bucket follows the configuration until it has its own rules', async () => {
    await endpoint.store.createBucket('alice-cors', { owner: 'alice', acl: 'public-read' })
    const rules = [
      ['*suffix', 'GET'],
      ['start*end', 'GET'],
      ['*.put', 'PUT'],
    ].map(([origin, method]) => ({
      allowedOrigins: [origin!],
      allowedMethods: [method!],
      allowedHeaders: [],
      exposeHeaders: ['x-a'],
    }))
    const path = '/alice-cors'
    expect((await preflight('https://app.example.com', path)).status).toBe(200)
    expect((await preflight('https://evil.example', path)).status).toBe(403)
    await endpoint.store.setBucketCors('alice-cors', rules)
    expect((await preflight('https://app.example.com', path)).status).toBe(403)
    const allowed = async (origin: string): Promise<string | undefined> =>
      (await get(origin, path)).get('access-control-allow-origin')
    expect(await allowed('foo.suffix')).toBe('foo.suffix')
    expect(await allowed('foo.suffix.get')).toBeUndefined()
    expect(await allowed('startend')).toBe('startend')
    expect(await allowed('start1end')).toBe('start1end')
    expect(await allowed('0start')).toBeUndefined()
    expect(await allowed('foo.put')).toBeUndefined()
    expect((await preflight('foo.put', `${path}/k`)).status).toBe(200)
    expect((await preflight('foo.put', `${path}/k`, { 'access-control-request-headers': 'x-b' })).status).toBe(403)
    expect((await endpoint.raw('OPTIONS', path)).status).toBe(400)
    expect((await endpoint.raw('OPTIONS', path, { origin: 'foo.suffix' })).status).toBe(400)
  })
})

test('no log line and no error contains credentials', async () => {
  const target = endpoint.target('gateway', 'GET', 'postern', 'uploads/photo.png')
  const signature = /X-Amz-Signature=([0-9a-f]+)/.exec(target)![1]!
  await endpoint.raw('GET', target)
  const refused = await endpoint.raw('GET', target.replace('photo', 'other'))
  expect(element(refused, 'Resource')).toBe('/postern/uploads/other.png')
  const log = endpoint.log.join('')
  expect(log).toContain('/postern/uploads/photo.png')
  expect(log).toContain(refused.headers.get('x-amz-request-id'))
  expect(log).not.toContain(signature)
  expect(log).not.toMatch(/authorization.{0,3}:.{0,3}"AWS4/i)
})
