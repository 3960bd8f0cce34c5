/** XML documents of requests; security row 103. */
import { describe, expect, test } from 'vitest'
import { element, type Endpoint } from './endpoint.ts'
import { Bucket, endpoint, put, serveSdk } from './sdk.ts'

serveSdk()

describe('documents', () => {
  const post = (body: string, headers: Record<string, string> = {}): ReturnType<Endpoint['signed']> =>
    endpoint.signed('alice', 'POST', `/${Bucket}`, { query: { delete: '' }, body, headers })
  const withMd5 = async (body: string): Promise<string | undefined> => {
    const { createHash } = await import('node:crypto')
    const answer = await post(body, { 'content-md5': createHash('md5').update(body).digest('base64') })
    expect(answer.status).toBe(400)
    return element(answer, 'Code')
  }

  test.each([
    ['a document type', '<!DOCTYPE Delete [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>'],
    ['a million entities', `<!DOCTYPE d [${'<!ENTITY a "b">'.repeat(10_000)}]><Delete/>`],
    ['no end', '<Delete><Object>'],
    ['another root', '<Erase><Object><Key>a</Key></Object></Erase>'],
    ['two roots', '<Delete/><Delete/>'],
    ['nothing', ''],
    ['no key', '<Delete><Object/></Delete>'],
    ['__proto__', '<Delete><__proto__><a/></__proto__></Delete>'],
    ['great depth', `<Delete>${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}</Delete>`],
    ['an entity beyond Unicode', '<Delete><Object><Key>&#x110000;</Key></Object></Delete>'],
  ])('%s is malformed', async (_, body) => {
    expect(await withMd5(body)).toBe('MalformedXML')
  })

  test('are rejected without a digest, with a wrong one, or if too long', async () => {
    const body = '<Delete><Object><Key>a</Key></Object></Delete>'
    expect(element(await post(body), 'Code')).toBe('InvalidRequest')
    expect(element(await post(body, { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }), 'Code')).toBe('BadDigest')
    expect(element(await post(body, { 'x-amz-checksum-crc32c': 'AAAAAA==' }), 'Code')).toBe('BadDigest')
    expect(await withMd5(' '.repeat(9_000_000))).toBe('MaxMessageLengthExceeded')
  })

  test('support numeric and named entities, CDATA, and white space in keys', async () => {
    const { createHash } = await import('node:crypto')
    await put(' a"b\'c<d ')
    const body =
      '<?xml version="1.0"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n <Object><Key> a&#34;b&#x27;c&lt;d </Key></Object><Object><Key><![CDATA[x&amp;y]]></Key></Object></Delete>'
    const answer = await post(body, { 'content-md5': createHash('md5').update(body).digest('base64') })
    expect(answer.text).toContain("<Key> a&quot;b'c&lt;d </Key>")
    expect(answer.text).toContain('<Key>x&amp;amp;y</Key>')
    expect((await endpoint.signed('alice', 'GET', `/${Bucket}/${encodeURIComponent(' a"b\'c<d ')}`)).status).toBe(404)
  })
})
