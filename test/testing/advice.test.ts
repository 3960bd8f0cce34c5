/** Development mode: every refusal has the header x-postern-advice, and problem documents the field `help`. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setAdvice } from '../../src/http/advice.ts'
import { startPostern, type Postern } from '../../src/testing/index.ts'

let postern: Postern
let url: string
beforeAll(async () => {
  postern = await startPostern({ buckets: ['app'] })
  const s3 = new S3Client(postern.s3Config())
  const put = new PutObjectCommand({ Bucket: 'app', Key: 'a.png', ContentType: 'image/png' })
  url = await getSignedUrl(s3, put, { signableHeaders: new Set(['content-type']) })
})
afterAll(() => postern.stop())

const adviceOf = ({ headers }: Response): string | null => headers.get('x-postern-advice')

describe('advice in development mode', () => {
  test('names the header that differs from the signed one, and the page of the request', async () => {
    const refused = await fetch(url, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'x' })
    const page = `${postern.url}/#/log/${refused.headers.get('x-amz-request-id')}`
    expect([refused.status, adviceOf(refused)]).toEqual([
      403,
      `Send exactly "content-type: image/png". Many clients set this header automatically. ${page}`,
    ])
    expect(postern.requests.list({ code: 'SignatureDoesNotMatch' }).at(-1)).toMatchObject({
      reason: 'The header content-type was signed as "image/png" but sent as "text/plain".',
      advice: expect.stringContaining('Send exactly "content-type: image/png"'),
    })
  })

  test('is the only reason in a HEAD response', async () => {
    const get = new GetObjectCommand({ Bucket: 'missing', Key: 'a' })
    const s3 = new S3Client(postern.s3Config())
    const signed = await getSignedUrl(s3, get)
    expect(adviceOf(await fetch(signed))).toMatch(/^Create the bucket first, or correct its name\. http/)
    expect(adviceOf(await fetch(signed, { method: 'HEAD' }))).toMatch(/^Use the headUrl /)
  })

  test('adds help to a problem document', async () => {
    const refused = await fetch(`${postern.url}/files/none`)
    const { help, requestId } = (await refused.json()) as { help: string; requestId: string }
    expect(help).toMatch(/^Check the path and the id\./)
    expect(help.endsWith(` ${postern.url}/#/log/${requestId}`)).toBe(true)
    expect(adviceOf(refused)).toBe(help)
  })

  test('can be read by pages of other origins', async () => {
    const headers = { origin: 'http://localhost:5173' }
    for (const of of [`${postern.url}/files/none`, `${postern.objectsUrl}/postern/none`]) {
      const refused = await fetch(of, { headers })
      expect(adviceOf(refused)).not.toBeNull()
      expect(refused.headers.get('access-control-expose-headers')).toContain('x-postern-advice')
    }
  })

  test('reaches the client with characters that a header cannot carry replaced', async () => {
    const server = createServer((_, res) => {
      setAdvice(res, 'Send "é€"\r\nset-cookie: a=b')
      res.end()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    server.close()
    expect([headers.get('x-postern-advice'), headers.get('set-cookie')]).toEqual(['Send "??"??set-cookie: a=b', null])
  })

  test('is omitted from successful responses', async () => {
    const answer = await fetch(`${postern.url}/files`)
    expect([answer.status, adviceOf(answer)]).toEqual([200, null])
  })
})

test('a gateway outside development mode sends no advice', async () => {
  await using own = await startPostern({ buckets: ['app'], requireToken: true })
  const refused = await fetch(`${own.url}/files/none`)
  expect([refused.status, adviceOf(refused), Object.keys((await refused.json()) as object)]).toEqual([
    401,
    null,
    expect.not.arrayContaining(['help']),
  ])
  expect(adviceOf(await fetch(`${own.objectsUrl}/app/none`))).toBeNull()
})
