/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Security rows 71 to 76 over real sockets: keys that a path would betray. */
import { describe, expect, test } from 'vitest'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { bucket, endpoint, put, refused, serveAlice } from './alice.ts'
import { element } from './endpoint.ts'

serveAlice()

describe('keys', () => {
  test.each([
    'a/../b',
    'a/%2e%2e/b',
    '%2e%2e%2fb',
    '..%5cb',
    '.',
    'a/.',
    '%00',
    'a%0ab',
    'a%7f',
    '..%2f..%2fetc%2fpasswd',
  ])('%s', async (key) => {
    const send = (method: string): Promise<RawAnswer> => endpoint.signed('alice', method, `/${bucket}/${key}`, {})
    await refused(() => send('PUT'), 400, 'InvalidURI')
    await refused(() => send('GET'), 400, 'InvalidURI')
    await refused(() => send('DELETE'), 400, 'InvalidURI')
  })

  test('are rejected if too long by a byte of UTF-8', async () => {
    expect((await put({}, encodeURIComponent('é'.repeat(512)))).status).toBe(200)
    await refused(() => put({}, encodeURIComponent('é'.repeat(512) + 'a')), 400, 'KeyTooLongError')
  })

  test.each([
    '/alice-1/../alice-1/there',
    '/alice-1/a/%2e%2e/there',
    '/alice-1/there%3FversionId=null',
    'alice-1',
    'alice-1/',
    '/alice-1/%zz',
    '/alice-1/there?versionId=null?versionId=x',
    '/alice-1/there?x=y',
  ])('copy source %s', async (source) => {
    const before = await endpoint.state()
    const answer = await endpoint.signed('alice', 'PUT', `/${bucket}/copy`, {
      headers: { 'x-amz-copy-source': source },
    })
    expect(answer.status).toBe(400)
    expect(await endpoint.state()).toEqual(before)
  })

  test('stay apart if a file system would merge them', async () => {
    const names = [
      'A',
      'a',
      'é'.normalize('NFC'),
      'é'.normalize('NFD'),
      'CON',
      'x'.repeat(255),
      'd',
      'd/e',
      'd//e',
      '*',
      '[',
      '{',
      '%',
      '_',
      '"',
      "'",
    ]
    for (const name of names)
      expect((await put({ body: name }, encodeURIComponent(name).replaceAll('%2F', '/'))).status).toBe(200)
    for (const name of names) {
      const answer = await endpoint.signed(
        'alice',
        'GET',
        `/${bucket}/${encodeURIComponent(name).replaceAll('%2F', '/')}`,
      )
      expect(answer.text).toBe(name)
    }
    const list = await endpoint.signed('alice', 'GET', `/${bucket}`, { query: { 'list-type': '2', prefix: '%' } })
    expect(element(list, 'KeyCount')).toBe('1')
    const star = await endpoint.signed('alice', 'GET', `/${bucket}`, { query: { prefix: '*' } })
    expect(star.text.match(/<Key>/g)).toHaveLength(1)
  })
})
