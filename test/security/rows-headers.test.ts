/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Rows 26, 55, 103 and 104: text that would become a header or a document of ours. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { harness, serveAlice } from './alice.ts'

serveAlice({ key: 'there', body: 'there' })

describe('names and values that become headers', () => {
  const cors = (inner: string): Promise<RawAnswer> => {
    const body = `<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>${inner}</CORSRule></CORSConfiguration>`
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
    return harness.signed('alice', 'PUT', '/alice-1?cors', { body, headers })
  }
  test.each(['a\r\nSet-Cookie: b', 'a b', '€', 'é', '', '\u0001', 'a:b'])(
    '104: ExposeHeader %j never comes into an answer',
    async (name) => {
      // oxlint-disable-next-line no-control-regex
      const escaped = name.replace(/[\0-\x1f]/g, (char) => `&#${char.charCodeAt(0)};`)
      await harness.refused(() => cors(`<ExposeHeader>${escaped}</ExposeHeader>`), 400, 'InvalidRequest')
    },
  )
  test.each([
    '<AllowedHeader>€</AllowedHeader>',
    '<ID>a&#13;&#10;b: c</ID>',
    '<AllowedOrigin>https://a&#10;b</AllowedOrigin>',
  ])('104: %s harms no answer', async (inner) => {
    expect((await cors(inner)).status).toBeLessThan(500)
    const got = await harness.signed('alice', 'GET', '/alice-1/there', { headers: { origin: 'https://a' } })
    expect([got.status, got.text]).toEqual([200, 'there'])
    await harness.signed('alice', 'DELETE', '/alice-1?cors')
  })

  test.each(['x-amz-meta-a b', 'x-amz-meta-é', 'x-amz-meta-a:b', 'x-amz-meta-a(b)', 'content-a b'])(
    '55: a form field called %s',
    async (name) => {
      await harness.refused(() => harness.post('alice', { fields: { [name]: 'v' } }), 400, 'InvalidArgument')
    },
  )
  test('form fields beyond ASCII become header bytes, control characters are refused', async () => {
    const send = (value: string): Promise<RawAnswer> =>
      harness.post('alice', { key: 'field', fields: { 'Cache-Control': value } })
    expect((await send('€')).status).toBe(204)
    expect((await harness.signed('alice', 'GET', '/alice-1/field')).status).toBe(200)
    await harness.refused(() => send('a\u0001b'), 400, 'InvalidArgument')
  })

  test('stores metadata named __proto__', async () => {
    const headers = { 'x-amz-meta-__proto__': 'polluted', 'x-amz-meta-constructor': 'c', 'x-amz-meta-tostring': 't' }
    await harness.signed('alice', 'PUT', '/alice-1/proto', { body: 'x', headers })
    const got = await harness.signed('alice', 'GET', '/alice-1/proto')
    for (const [name, value] of Object.entries(headers)) expect(got.headers.get(name)).toBe(value)
    const copied = await harness.signed('alice', 'PUT', '/alice-1/proto-2', {
      headers: { 'x-amz-copy-source': 'alice-1/proto' },
    })
    expect(copied.status).toBe(200)
    expect((await harness.signed('alice', 'HEAD', '/alice-1/proto-2')).headers.get('x-amz-meta-__proto__')).toBe(
      'polluted',
    )
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('returns bytes above ASCII as they were sent', async () => {
    const headers = { 'x-amz-meta-a': '\x80\xff', 'content-disposition': 'attachment; filename="\xe9.txt"' }
    await harness.signed('alice', 'PUT', '/alice-1/latin', { body: 'x', headers })
    const got = await harness.signed('alice', 'GET', '/alice-1/latin')
    for (const [name, value] of Object.entries(headers)) expect(got.headers.get(name)).toBe(value)
  })
})

describe('responses are XML for any request', () => {
  // oxlint-disable-next-line no-control-regex
  const noXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/
  test.each<[string, () => Promise<RawAnswer>]>([
    ['a bucket', () => harness.signed('alice', 'GET', '/%01?location')],
    ['an argument', () => harness.signed('alice', 'GET', '/alice-1/there?partNumber=%01')],
    ['a prefix', () => harness.signed('alice', 'GET', '/alice-1?prefix=%02%EF%BF%BF')],
    ['a key', () => harness.signed('alice', 'GET', '/alice-1/%EF%BF%BE')],
    ['a version', () => harness.signed('alice', 'GET', '/alice-1/there?acl&versionId=%1f%3Ca%3E')],
    [
      'an access key',
      () =>
        harness.raw(
          'GET',
          '/a/b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%01%2F20250101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20250101T000000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=%01',
        ),
    ],
    ['markup', () => harness.raw('GET', '/a/b?X-Amz-Algorithm=%3C/Message%3E%3Cscript%3E')],
  ])('%s', async (_, send) => {
    const { text, status } = await send()
    expect(status).toBeLessThan(500)
    expect(text).not.toMatch(noXml)
    expect(text).not.toContain('<script>')
  })

  test('lists a key that XML cannot contain, and encodes it on request', async () => {
    expect((await harness.signed('alice', 'PUT', '/alice-1/%EF%BF%BF', { body: 'x' })).status).toBe(200)
    expect((await harness.signed('alice', 'GET', '/alice-1?list-type=2')).text).not.toMatch(noXml)
    const encoded = await harness.signed('alice', 'GET', '/alice-1?encoding-type=url&list-type=2')
    expect(encoded.text).toContain('<Key>%EF%BF%BF</Key>')
  })
})
