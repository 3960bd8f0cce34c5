/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Security rows 42 to 55 over real sockets: form uploads. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPostForm, type PostFormOptions } from '../../src/sigv4/post-form.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { element, keys, startEndpoint, type Endpoint } from './endpoint.ts'

const bucket = 'alice-1'
let endpoint: Endpoint
beforeAll(async () => {
  endpoint = await startEndpoint()
  await endpoint.store.createBucket(bucket, { owner: 'alice' })
  await endpoint.store.createBucket('bob-1', { owner: 'bob' })
})
afterAll(() => endpoint.close())

const form = (o: Partial<PostFormOptions> = {}): Record<string, string> =>
  createPostForm({
    endpoint: endpoint.url,
    bucket,
    key: 'form.txt',
    pathStyle: true,
    credentials: keys.alice,
    region: 'us-east-1',
    expiresIn: 600,
    now: new Date(),
    ...o,
  }).fields

const boundary = 'a-boundary'
const contentType = `multipart/form-data; boundary=${boundary}`
const field = (name: string, value: string): string =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const filePart = (content = 'content', filename = 'own.txt'): string =>
  `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\nContent-Type: text/plain\r\n\r\n${content}\r\n`
const body = (fields: Record<string, string>, file = filePart(), after = ''): string =>
  `${Object.entries(fields)
    .map(([name, value]) => field(name, value))
    .join('')}${file}${after}--${boundary}--\r\n`

const post = (text: string, o: { type?: string; to?: string } = {}): Promise<RawAnswer> =>
  endpoint.raw(
    'POST',
    `/${o.to ?? bucket}`,
    { 'content-type': o.type ?? contentType, 'content-length': String(Buffer.byteLength(text)) },
    text,
  )

async function refused(
  text: string,
  status: number,
  code: string,
  o: { type?: string; to?: string; said?: RegExp } = {},
): Promise<void> {
  const before = await endpoint.state()
  const answer = await post(text, o)
  expect([answer.status, element(answer, 'Code')]).toEqual([status, code])
  expect(answer.text).toMatch(o.said ?? /<Error>/)
  await expect.poll(() => endpoint.state()).toEqual(before)
}

describe('good forms', () => {
  test('return 204 with the object’s location, type and metadata', async () => {
    const fields = form({ fields: { 'Content-Type': 'image/png', 'x-amz-meta-a': 'né', acl: 'public-read' } })
    const answer = await post(body(fields, filePart(), field('after', 'ignored')))
    expect(answer.status).toBe(204)
    expect(answer.headers.get('location')).toBe('/alice-1/form.txt')
    const got = await endpoint.raw('GET', `/${bucket}/form.txt`)
    expect(got.text).toBe('content')
    expect(got.headers.get('content-type')).toBe('image/png')
    expect(Buffer.from(got.headers.get('x-amz-meta-a')!, 'latin1').toString()).toBe('né')
    expect(answer.headers.get('etag')).toBe(got.headers.get('etag'))
  })

  test('return the id of the new version', async () => {
    await endpoint.store.createBucket('alice-versions', { owner: 'alice', configuration: { versioning: 'Enabled' } })
    const fields = form({ bucket: 'alice-versions', fields: { success_action_status: '201' } })
    const answer = await post(body(fields), { to: 'alice-versions' })
    expect([answer.status, answer.headers.get('x-amz-version-id')]).toEqual([201, expect.stringMatching(/^[\w-]{32}$/)])
  })

  test('${filename}, statuses, redirects', async () => {
    const named = form({ key: 'user/${filename}' })
    expect((await post(body(named, filePart('x', 'é 1.txt')))).status).toBe(204)
    expect((await endpoint.store.headObject({ bucket, key: 'user/é 1.txt' })).contentLength).toBe(1)
    const created = await post(body(form({ fields: { success_action_status: '201' } })))
    expect([created.status, element(created, 'Key'), element(created, 'Bucket')]).toEqual([201, 'form.txt', bucket])
    expect((await post(body(form({ fields: { success_action_status: '200' } })))).status).toBe(200)
    expect((await post(body(form({ fields: { success_action_status: '404' } })))).status).toBe(204)
    const back = await post(body(form({ fields: { success_action_redirect: 'https://app.example.com/done?a=b' } })))
    expect(back.status).toBe(303)
    expect(back.headers.get('location')).toMatch(
      /^https:\/\/app\.example\.com\/done\?a=b&bucket=alice-1&key=form\.txt&etag=%22/,
    )
    const away = await post(body(form({ fields: { success_action_redirect: 'https://evil.example/' } })))
    expect([away.status, away.headers.get('location')]).toEqual([204, '/alice-1/form.txt'])
  })

  test('store a large file in pieces, with lines that look like delimiters', async () => {
    const content = `\r\n--${boundary.slice(0, 5)}\r\n--`.repeat(40_000)
    expect((await post(body(form({ key: 'large' }), filePart(content)))).status).toBe(204)
    expect((await endpoint.signed('alice', 'GET', `/${bucket}/large`)).text).toBe(content)
  })

  test('store an empty file', async () => {
    expect((await post(body(form({ key: 'empty' }), filePart('')))).status).toBe(204)
    expect((await endpoint.store.headObject({ bucket, key: 'empty' })).contentLength).toBe(0)
  })
})

describe('bad forms', () => {
  test('no form at all', async () => {
    await refused(body(form()), 412, 'PreconditionFailed', { type: 'application/json' })
    await refused(body(form()), 400, 'MalformedPOSTRequest', { type: 'multipart/form-data' })
    await refused('', 400, 'MalformedPOSTRequest')
    await refused('{}', 400, 'MalformedPOSTRequest')
  })

  test('signature fields missing, policy edited or expired, another bucket', async () => {
    for (const name of ['policy', 'x-amz-signature', 'x-amz-credential', 'x-amz-date', 'x-amz-algorithm']) {
      const { [name]: _, ...rest } = form()
      await refused(body(rest), 400, 'InvalidArgument', { said: /must contain a field named/ })
    }
    await refused(body({ key: 'form.txt' }), 403, 'AccessDenied')
    const fields = form()
    const policy = Buffer.from(fields['policy']!, 'base64').toString().replace('form.txt', 'evil.txt')
    await refused(body({ ...fields, policy: Buffer.from(policy).toString('base64') }), 403, 'SignatureDoesNotMatch')
    await refused(body({ ...fields, policy: '!' }), 400, 'InvalidPolicyDocument')
    await refused(body(form({ now: new Date(Date.now() - 3_600_000) })), 403, 'AccessDenied', {
      said: /Policy expired/,
    })
    await refused(body(form()), 403, 'AccessDenied', { to: 'bob-1', said: /Policy Condition failed/ })
    await refused(body(form({ bucket: 'bob-1' })), 403, 'AccessDenied', { to: 'bob-1' })
  })

  test('conditions', async () => {
    await refused(body({ ...form(), key: 'other' }), 403, 'AccessDenied', { said: /Policy Condition failed/ })
    await refused(body({ ...form(), 'x-amz-meta-a': 'b' }), 403, 'AccessDenied', { said: /Extra input fields/ })
    await refused(body({ ...form(), acl: 'public-read' }), 403, 'AccessDenied', { said: /Extra input fields/ })
    const range = form({ contentLengthRange: { min: 5, max: 10 } })
    await refused(body(range, filePart('x'.repeat(11))), 400, 'EntityTooLarge', { said: /<MaxSizeAllowed>10</ })
    await refused(body(range, filePart('x'.repeat(300_000))), 400, 'EntityTooLarge')
    await refused(body(range, filePart('x')), 400, 'EntityTooSmall')
    expect((await post(body(range, filePart('12345')))).status).toBe(204)
    expect((await post(body(range, filePart('1234567890')))).status).toBe(204)
  })

  test('fields twice, too many, too large, not UTF-8', async () => {
    await refused(field('key', 'a') + body(form()), 400, 'InvalidArgument')
    await refused(field('KEY', 'a') + body(form()), 400, 'InvalidArgument')
    const many = Array.from({ length: 10_000 }, (_, i) => field(`x-ignore-${i}`, 'a')).join('')
    await refused(many + body(form()), 400, 'MalformedPOSTRequest')
    await refused(field('x-ignore-a', 'a'.repeat(200_000)) + body(form()), 400, 'MalformedPOSTRequest')
    await refused(body(form({ fields: { 'Cache-Control': 'a\u0000b' } })), 400, 'InvalidArgument')
    await refused(body(form({ fields: { 'x-amz-meta-a': 'a\r\nset-cookie: b' } })), 400, 'InvalidArgument')
  })

  test.each(['../../etc/passwd', '..', 'a/../b', 'a\u0000b'])('the key %j', async (key) => {
    const fields = form({ key: 'placeholder' })
    const policy = Buffer.from(JSON.stringify({ expiration: '2099-01-01T00:00:00Z', conditions: [] }))
    expect((await post(body({ ...fields, key, policy: policy.toString('base64') }))).status).toBe(403)
    const starts = form({ key: '${filename}' })
    await refused(body({ ...starts, key }), 400, 'InvalidURI')
    await refused(body(starts, filePart('x', key)), 400, 'InvalidURI')
  })

  test('a key with ${filename} replaced must match the policy', async () => {
    const fields = form({ key: 'user/${filename}' })
    await refused(body({ ...fields, key: 'other/${filename}' }), 403, 'AccessDenied')
    const eq = form({ conditions: [['eq', '$key', '${filename}']], key: '${filename}' })
    await refused(body(eq, filePart('x', 'real.txt')), 403, 'AccessDenied')
  })

  test('no file, a broken part, a body that ends early', async () => {
    await refused(body(form(), ''), 400, 'InvalidArgument', { said: /exactly one file/ })
    const broken = (head: string): string => body(form(), `--${boundary}\r\n${head}\r\n\r\nx\r\n`)
    await refused(broken('Content-Disposition form-data; name="file"'), 400, 'MalformedPOSTRequest')
    await refused(broken('Content-Disposition: form-data; name="fi"le"'), 400, 'MalformedPOSTRequest')
    await refused(broken('Content-Disposition: form-data; name="file"; filename="a"b"'), 400, 'MalformedPOSTRequest')
    await refused(broken('Content-Disposition: attachment; name="file"'), 400, 'MalformedPOSTRequest')
    await refused(broken('X: y'), 400, 'MalformedPOSTRequest')
    await refused(body(form()).replace(/\r\n--a-boundary--\r\n$/, ''), 400, 'MalformedPOSTRequest')
    await refused(body(form()).slice(0, 300), 400, 'MalformedPOSTRequest')
  })

  test('unsupported fields', async () => {
    await refused(body(form({ fields: { 'x-amz-server-side-encryption': 'AES256' } })), 501, 'NotImplemented')
    await refused(body(form({ fields: { acl: 'aws-exec-read' } })), 501, 'NotImplemented')
  })
})
