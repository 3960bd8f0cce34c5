/** What an attacker tries on buckets with a policy: to make the server work, and to get around statements. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPostForm } from '../../src/sigv4/post-form.ts'
import { routes, type Route } from '../../src/s3/router.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { element, keys, startEndpoint, type Endpoint, type Who } from './endpoint.ts'

let endpoint: Endpoint
let bucket: string
let ofBob: string
let made = 0

beforeAll(async () => {
  endpoint = await startEndpoint({ acceptsVersion2: () => true })
})
afterAll(() => endpoint?.close())
beforeEach(async () => {
  bucket = `alice-${++made}`
  ofBob = `bob-${made}`
  await endpoint.store.createBucket(bucket, { owner: 'alice' })
  await endpoint.store.createBucket(ofBob, { owner: 'bob' })
  await endpoint.signed('alice', 'PUT', `/${bucket}/k`, { body: 'x' })
  await endpoint.signed('alice', 'PUT', `/${bucket}/tagged`, { body: 'x', headers: { 'x-amz-tagging': 'open=yes' } })
})

type Statement = Record<string, unknown>
const arn = (path = ''): string => `arn:aws:s3:::${bucket}${path}`
const allow = (more: Statement = {}): Statement => ({
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: arn('/*'),
  ...more,
})
const deny = (more: Statement = {}): Statement => ({ ...allow(more), Effect: 'Deny' })
const policy = (...Statement: Statement[]): Promise<void> =>
  endpoint.store.configureBucket(bucket, { policy: JSON.stringify({ Statement }) })

const said = (answer: RawAnswer): [number, string | undefined] => [answer.status, element(answer, 'Code')]
const digest = (body: string): Record<string, string> => ({
  'content-md5': createHash('md5').update(body).digest('base64'),
})

async function status(
  who: Who | 'anyone',
  method: string,
  path: string,
  o: { headers?: Record<string, string>; query?: Record<string, string>; body?: string } = {},
): Promise<number> {
  const { body = method === 'PUT' ? 'x' : '' } = o
  if (who !== 'anyone') return (await endpoint.signed(who, method, path, { ...o, body })).status
  const query = new URLSearchParams(o.query).toString()
  const length = method === 'PUT' ? { 'content-length': String(body.length) } : {}
  return (await endpoint.raw(method, query === '' ? path : `${path}?${query}`, { ...o.headers, ...length }, body))
    .status
}

describe('DeleteObjects of many keys', () => {
  const documentOf = (names: readonly string[]): string =>
    `<Delete>${names.map((name) => `<Object><Key>${name}</Key></Object>`).join('')}</Delete>`
  const send = (body: string): Promise<RawAnswer> =>
    endpoint.raw('POST', `/${bucket}?delete`, { ...digest(body), 'content-length': String(body.length) }, body)

  test('leaves other requests their turn while a policy with many patterns is compared', async () => {
    const patterns = Array.from({ length: 200 }, (_, n) => arn(`/*${'a?a'.repeat(10)}b${n}*`))
    await policy(allow({ Action: 's3:DeleteObject', Resource: patterns }))
    const names = Array.from({ length: 300 }, (_, n) => `${'a'.repeat(1000)}${n}`)
    const deleted = send(documentOf(names))
    let answered = 0
    const isNext = (): Promise<boolean> =>
      Promise.race([deleted.then(() => false), status('anyone', 'GET', `/${bucket}/k`).then((code) => code === 403)])
    while (await isNext()) answered++
    expect((await deleted).text.match(/<Code>AccessDenied/g)).toHaveLength(300)
    expect(answered).toBeGreaterThan(3)
  })

  test.each([
    ['nothing', () => deny()],
    ['another action', () => allow()],
    ['the bucket alone', () => allow({ Action: 's3:*', Resource: arn() })],
    ['others', () => allow({ Action: 's3:*', Principal: { AWS: 'bob' } })],
    ['another address', () => allow({ Action: 's3:*', Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } })],
  ])('is rejected before its body is read if the policy allows %s', async (_, statement) => {
    await policy(statement())
    const headers = { ...digest(''), 'content-length': String(8 * 1024 * 1024) }
    const answer = await endpoint.raw('POST', `/${bucket}?delete`, headers)
    expect(said(answer)).toEqual([403, 'AccessDenied'])
  })

  test('decides keys by their tags', async () => {
    await policy(
      allow({ Action: 's3:DeleteObject', Condition: { StringEquals: { 's3:ExistingObjectTag/open': 'yes' } } }),
    )
    const { text } = await send(documentOf(['k', 'tagged']))
    expect(text).toContain('<Error><Key>k</Key><Code>AccessDenied</Code>')
    expect(text).toContain('<Deleted><Key>tagged</Key></Deleted>')
  })

  test('is refused for more than 1000 objects, however small', async () => {
    await policy(allow({ Action: 's3:DeleteObject' }))
    expect(said(await send(`<Delete>${'<Object/>'.repeat(1001)}</Delete>`))).toEqual([400, 'MalformedXML'])
    expect(said(await send(`<Delete>${'<a/>'.repeat(100_000)}</Delete>`))).toEqual([400, 'MalformedXML'])
    expect((await send(documentOf(Array.from({ length: 1000 }, (_, n) => `n${n}`)))).status).toBe(200)
  })
})

test('a value that a policy compares has at most 4096 characters', async () => {
  const get = (length: number): Promise<number> =>
    status('anyone', 'GET', `/${bucket}/k`, { headers: { 'user-agent': 'a'.repeat(length) } })
  await policy(allow({ Condition: { StringLike: { 'aws:UserAgent': '*a' } } }))
  expect([await get(4096), await get(4097)]).toEqual([200, 403])
  await policy(allow(), deny({ Condition: { StringLike: { 'aws:UserAgent': '*b' } } }))
  expect([await get(4096), await get(4097)]).toEqual([200, 403])
  await policy(allow())
  expect(await get(4097)).toBe(200)
})

describe('a copy', () => {
  const copy = async (to: string, headers: Record<string, string> = {}, from = 'tagged'): Promise<number> =>
    (
      await endpoint.signed('bob', 'PUT', `/${to}/copied`, {
        headers: { 'x-amz-copy-source': `/${bucket}/${from}`, ...headers },
      })
    ).status

  test('with the source’s tags needs the right to read them', async () => {
    await policy(allow())
    expect(await copy(ofBob)).toBe(403)
    expect(await copy(ofBob, {}, 'k')).toBe(200)
    expect(await copy(ofBob, { 'x-amz-tagging-directive': 'REPLACE' })).toBe(200)
    await policy(allow({ Action: ['s3:GetObject', 's3:GetObjectTagging'] }))
    expect(await copy(ofBob)).toBe(200)
    expect(await endpoint.store.getObjectTags({ bucket: ofBob, key: 'copied' })).toEqual({ open: 'yes' })
  })

  test('with the source’s tags needs the right to write them', async () => {
    const Action = ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject']
    await policy(allow({ Principal: { AWS: 'bob' }, Action }))
    expect([await copy(bucket), await copy(bucket, {}, 'k')]).toEqual([403, 200])
    await policy(allow({ Principal: { AWS: 'bob' }, Action: [...Action, 's3:PutObjectTagging'] }))
    expect(await copy(bucket)).toBe(200)
  })

  test('meets conditions with the tags that it stores, not with those of a header that it ignores', async () => {
    const Action = ['s3:PutObject', 's3:PutObjectTagging']
    const Condition = (value: string): Statement => ({
      Condition: { StringEquals: { 's3:RequestObjectTag/open': value } },
    })
    const reads = allow({ Action: ['s3:GetObject', 's3:GetObjectTagging'] })
    await policy(reads, allow({ Action, ...Condition('no') }))
    expect(await copy(bucket, { 'x-amz-tagging': 'open=no' })).toBe(403)
    await policy(reads, allow({ Action, ...Condition('yes') }))
    expect(await copy(bucket, { 'x-amz-tagging': 'open=no' })).toBe(200)
    expect(await endpoint.store.getObjectTags({ bucket, key: 'copied' })).toEqual({ open: 'yes' })
    expect(await copy(bucket, { 'x-amz-tagging': 'open=no', 'x-amz-tagging-directive': 'REPLACE' })).toBe(403)
  })
})

describe('a document', () => {
  const megabyte = String(1024 * 1024)
  const documents = routes.filter(({ body }) => body === 'xml')

  /** Announces a body and sends none, so an answer shows that the server did not wait for it. */
  async function announce(who: 'anyone' | 'bob', { method, on, query = [] }: Route): Promise<unknown> {
    const path = `/${bucket}${on === 'object' ? '/k' : ''}`
    const asked = Object.fromEntries(query.map((name) => [name, name === 'uploadId' ? 'unknown' : '']))
    const headers = { 'content-length': megabyte }
    if (who === 'bob') {
      return said(await endpoint.signed('bob', method, path, { headers, query: asked, payload: 'UNSIGNED-PAYLOAD' }))
    }
    return said(await endpoint.raw(method, `${path}?${new URLSearchParams(asked).toString()}`, headers))
  }

  test.each(documents.map((route) => [route.name, route] as const))(
    'of %s is not read if the requester may not send it',
    async (name, route) => {
      await policy(
        allow({ Resource: [arn(), arn('/*')], Action: ['s3:Get*', 's3:List*'] }),
        allow({ Principal: { AWS: 'carol' }, Action: 's3:*', Resource: [arn(), arn('/*')] }),
        allow({
          Action: 's3:*',
          Resource: [arn(), arn('/*')],
          Condition: {
            IpAddress: { 'aws:SourceIp': '192.0.2.0/24' },
            StringEquals: { 's3:RequestObjectTag/open': 'yes', 's3:ExistingObjectTag/open': 'yes' },
          },
        }),
      )
      // Everyone with a key may create buckets.
      for (const who of name === 'CreateBucket' ? (['anyone'] as const) : (['anyone', 'bob'] as const)) {
        expect(await announce(who, route)).toEqual([403, 'AccessDenied'])
      }
    },
  )

  test('of tags has at most 128 KiB', async () => {
    const body = `<Tagging><TagSet>${' '.repeat(128 * 1024)}</TagSet></Tagging>`
    const answer = await endpoint.signed('alice', 'PUT', `/${bucket}/k`, {
      query: { tagging: '' },
      headers: digest(body),
      body,
    })
    expect(said(answer)).toEqual([400, 'MaxMessageLengthExceeded'])
  })
})

test('a request without tags has no s3:RequestObjectTagKeys', async () => {
  const Action = 's3:PutObject'
  await policy(
    allow({ Action: [Action, 's3:PutObjectTagging'] }),
    deny({ Action, Condition: { Null: { 's3:RequestObjectTagKeys': 'true' } } }),
  )
  const put = (headers = {}): Promise<number> => status('bob', 'PUT', `/${bucket}/new`, { headers })
  expect([await put(), await put({ 'x-amz-tagging': '' }), await put({ 'x-amz-tagging': 'a=b' })]).toEqual([
    403, 403, 200,
  ])
})

describe('parameters and headers that do not belong to the action', () => {
  test('s3:prefix of a request that is no list', async () => {
    await policy(
      allow({ Action: ['s3:GetObject', 's3:ListBucket'], Condition: { StringLike: { 's3:prefix': 'open/*' } } }),
    )
    expect(await status('anyone', 'GET', `/${bucket}/k`, { query: { prefix: 'open/' } })).toBe(403)
  })

  test('s3:x-amz-acl of a read', async () => {
    await policy(
      allow({ Action: ['s3:GetObject', 's3:PutObject'], Condition: { StringEquals: { 's3:x-amz-acl': 'private' } } }),
    )
    expect(await status('anyone', 'GET', `/${bucket}/k`, { headers: { 'x-amz-acl': 'private' } })).toBe(403)
  })

  test('a query does not tell absent from forbidden keys to those who may list a part', async () => {
    await policy(
      allow({ Resource: arn('/open/*') }),
      allow({ Action: 's3:ListBucket', Resource: arn(), Condition: { StringLike: { 's3:prefix': 'open/*' } } }),
    )
    const absent = (query = {}): Promise<number> => status('anyone', 'GET', `/${bucket}/open/absent`, { query })
    expect([await absent(), await absent({ prefix: 'open/' })]).toEqual([403, 403])
    await policy(allow({ Resource: arn('/open/*') }), allow({ Action: 's3:ListBucket', Resource: arn() }))
    expect([await absent(), await absent({ prefix: 'open/' })]).toEqual([404, 404])
  })
})

describe('values that can be written in several ways', () => {
  test('an empty parameter counts as absent', async () => {
    const list = (query = {}): Promise<number> => status('anyone', 'GET', `/${bucket}`, { query })
    const all = allow({ Action: 's3:ListBucket', Resource: arn() })
    await policy(all, deny({ Action: 's3:ListBucket', Resource: arn(), Condition: { Null: { 's3:prefix': 'true' } } }))
    expect([await list(), await list({ prefix: '' }), await list({ prefix: 'a' })]).toEqual([403, 403, 200])
    await policy({ ...all, Condition: { StringEquals: { 's3:prefix': ['', 'home/'] } } })
    expect([
      await list(),
      await list({ prefix: '' }),
      await list({ prefix: 'home/' }),
      await list({ prefix: 'a' }),
    ]).toEqual([200, 200, 200, 403])
  })

  test.each(['BUCKET/secret/*', '/BUCKET/secret/*'])('the source of a copy: %s', async (pattern) => {
    await endpoint.signed('alice', 'PUT', `/${bucket}/secret/k`, { body: 'x' })
    const Action = ['s3:GetObject', 's3:PutObject']
    const source = pattern.replace('BUCKET', bucket)
    await policy(
      allow({ Action }),
      deny({ Action: 's3:PutObject', Condition: { StringLike: { 's3:x-amz-copy-source': source } } }),
    )
    const copy = (from: string): Promise<number> =>
      status('bob', 'PUT', `/${bucket}/copied`, { headers: { 'x-amz-copy-source': from }, body: '' })
    expect([
      await copy(`/${bucket}/secret/k`),
      await copy(`${bucket}/secret/k`),
      await copy(`${bucket}%2Fsecret%2Fk`),
      await copy(`/${bucket}/%73ecret/k`),
      await copy(`/${bucket}/k`),
    ]).toEqual([403, 403, 403, 403, 200])
  })

  test('a time without a zone is UTC', async () => {
    const zone = process.env['TZ']
    process.env['TZ'] = 'America/New_York'
    try {
      // In New York this is an hour from now at the earliest, read as a local time.
      const anHourAgo = new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)
      await policy(allow({ Condition: { DateGreaterThan: { 'aws:CurrentTime': anHourAgo } } }))
      expect(await status('anyone', 'GET', `/${bucket}/k`)).toBe(200)
      await policy(allow({ Condition: { DateLessThan: { 'aws:CurrentTime': anHourAgo } } }))
      expect(await status('anyone', 'GET', `/${bucket}/k`)).toBe(403)
    } finally {
      if (zone === undefined) delete process.env['TZ']
      else process.env['TZ'] = zone
    }
  })

  test('a year is not a number of seconds', async () => {
    await policy(allow({ Condition: { DateGreaterThan: { 'aws:CurrentTime': '2999' } } }))
    expect(await status('anyone', 'GET', `/${bucket}/k`)).toBe(403)
    await policy(allow({ Condition: { DateGreaterThan: { 'aws:CurrentTime': '2000' } } }))
    expect(await status('anyone', 'GET', `/${bucket}/k`)).toBe(200)
  })
})

test('grant headers have at most 100 grants', async () => {
  const grants = (count: number): Record<string, string> => ({
    'x-amz-grant-read': Array.from({ length: count }, (_, n) => `id=o${n}`).join(', '),
  })
  const put = (count: number): Promise<RawAnswer> =>
    endpoint.signed('alice', 'PUT', `/${bucket}/granted`, { body: 'x', headers: grants(count) })
  expect([said(await put(100)), said(await put(101))]).toEqual([
    [200, undefined],
    [400, 'InvalidRequest'],
  ])
})

describe('a form', () => {
  const post = async (headers: Record<string, string> = {}, more: Record<string, string> = {}): Promise<number> => {
    const { fields } = createPostForm({
      endpoint: endpoint.url,
      bucket,
      key: 'form.txt',
      pathStyle: true,
      credentials: keys.bob,
      region: 'us-east-1',
      expiresIn: 600,
      now: new Date(),
      fields: more,
    })
    const part = (name: string, value: string): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const text = `${Object.entries(fields)
      .map(([name, value]) => part(name, value))
      .join('')}--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n`
    const head = {
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': String(text.length),
      ...headers,
    }
    return (await endpoint.raw('POST', `/${bucket}`, head, text)).status
  }
  const only = (Condition: unknown): Promise<void> => policy(allow({ Action: 's3:PutObject', Condition }))

  test('has the user agent and the referer of its request', async () => {
    const Action = 's3:PutObject'
    await policy(
      allow({ Action }),
      deny({ Action, Condition: { StringLike: { 'aws:UserAgent': '*bot*' } } }),
      deny({ Action, Condition: { StringNotLikeIfExists: { 'aws:Referer': 'https://good.example/*' } } }),
    )
    expect(await post({ 'user-agent': 'a bot', referer: 'https://good.example/' })).toBe(403)
    expect(await post({ 'user-agent': 'a browser', referer: 'https://bad.example/' })).toBe(403)
    expect(await post({ 'user-agent': 'a browser', referer: 'https://good.example/' })).toBe(204)
  })

  test('is not a copy, even with copy fields', async () => {
    await only({ StringLike: { 's3:x-amz-copy-source': '*' } })
    expect(await post({}, { 'x-amz-copy-source': `/${bucket}/k` })).toBe(403)
  })

  test('is authenticated by POST, with the version of its policy’s signature', async () => {
    await only({ StringEquals: { 's3:authType': 'POST', 's3:signatureversion': 'AWS4-HMAC-SHA256' } })
    expect(await post()).toBe(204)
    await only({ StringEquals: { 's3:authType': 'REST-HEADER' } })
    expect(await post()).toBe(403)
    await only({ StringEquals: { 's3:signatureversion': 'AWS' } })
    expect(await post()).toBe(403)
  })
})
