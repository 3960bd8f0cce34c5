/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Rows 77 and 84: what belongs to others. */
import { beforeAll, describe, expect, test } from 'vitest'
import { store, textFile, upload } from '../api/caller.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { harness, serveAlice } from './alice.ts'
import type { Who } from './harness.ts'

serveAlice({ key: 'own', body: 'of alice' })

const uploadIdOf = (answer: RawAnswer): string => /<UploadId>([^<]*)</.exec(answer.text)?.[1] ?? ''

describe('the gateway’s bucket, for owners of access keys and for anonymous clients', () => {
  let key: string
  let publicKey: string
  beforeAll(async () => {
    const user = await harness.user('dave')
    key = (await store(user, 'private bytes')).key
    publicKey = (await store(user, 'public bytes', { visibility: 'public' })).key
  })

  const ways: [string, (who: Who) => Promise<RawAnswer>][] = [
    ['list', (who) => harness.signed(who, 'GET', '/postern?list-type=2')],
    ['list below public/', (who) => harness.signed(who, 'GET', '/postern?list-type=2&prefix=public%2F')],
    ['list, version 1', (who) => harness.signed(who, 'GET', '/postern')],
    ['list versions', (who) => harness.signed(who, 'GET', '/postern?versions')],
    ['list uploads', (who) => harness.signed(who, 'GET', '/postern?uploads')],
    ['its encoded name', (who) => harness.signed(who, 'GET', '/%70ostern?list-type=2')],
    ['read', (who) => harness.signed(who, 'GET', `/postern/${key}`)],
    [
      'head its attributes',
      (who) =>
        harness.signed(who, 'GET', `/postern/${key}?attributes`, { headers: { 'x-amz-object-attributes': 'ETag' } }),
    ],
    ['tags of a public one', (who) => harness.signed(who, 'GET', `/postern/${publicKey}?tagging`)],
    ['overwrite', (who) => harness.signed(who, 'PUT', `/postern/${key}`, { body: 'x' })],
    ['create below public/', (who) => harness.signed(who, 'PUT', '/postern/public/x', { body: 'x' })],
    ['delete', (who) => harness.signed(who, 'DELETE', `/postern/${publicKey}`)],
    [
      'copy out',
      (who) => harness.signed(who, 'PUT', '/alice-1/stolen', { headers: { 'x-amz-copy-source': `postern/${key}` } }),
    ],
    [
      'copy out by an encoded name',
      (who) =>
        harness.signed(who, 'PUT', '/alice-1/stolen', {
          headers: { 'x-amz-copy-source': `/%70ostern%2F${encodeURIComponent(key)}` },
        }),
    ],
    [
      'copy in',
      (who) => harness.signed(who, 'PUT', `/postern/${publicKey}`, { headers: { 'x-amz-copy-source': 'alice-1/own' } }),
    ],
    ['a form', (who) => harness.post(who, { bucket: 'postern', key: 'public/form' })],
    ['begin an upload', (who) => harness.signed(who, 'POST', '/postern/public/x?uploads')],
    [
      'the bucket’s ACL',
      (who) => harness.signed(who, 'PUT', '/postern?acl', { headers: { 'x-amz-acl': 'public-read' } }),
    ],
    ['make it', (who) => harness.signed(who, 'PUT', '/postern')],
    ['delete it', (who) => harness.signed(who, 'DELETE', '/postern')],
  ]
  test.each(ways)('a key of another owner: %s', async (_, send) => {
    await harness.refused(() => send('alice'), 403, 'AccessDenied')
  })

  test('a key of another owner: a part copied out', async () => {
    const uploadId = uploadIdOf(await harness.signed('alice', 'POST', '/alice-1/parts?uploads'))
    const copy = (source: string): Promise<RawAnswer> =>
      harness.signed('alice', 'PUT', `/alice-1/parts?partNumber=1&uploadId=${uploadId}`, {
        headers: { 'x-amz-copy-source': source },
      })
    await harness.refused(() => copy(`postern/${key}`), 403, 'AccessDenied')
    await harness.refused(() => copy(`/postern/${key}`), 403, 'AccessDenied')
    expect((await copy(`postern/${publicKey}`)).status).toBe(200)
  })

  test.each([
    ['GET', '/postern'],
    ['GET', '/postern/'],
    ['GET', '/postern?list-type=2&prefix=public/'],
    ['GET', '/postern?uploads'],
    ['GET', '/postern?versions'],
    ['HEAD', '/postern'],
    ['PUT', '/postern/public/x'],
    ['DELETE', '/postern/public/x'],
    ['POST', '/postern/public/x?uploads'],
    ['POST', '/postern?delete'],
    ['GET', '/postern/uploads/x'],
    ['GET', '/postern/publicx'],
    ['GET', '/postern/Public/x'],
    ['GET', '/postern/%2Fpublic/x'],
    ['GET', '/postern//public/x'],
    ['GET', '/postern/public/x?tagging'],
    ['GET', '/postern/public/x?acl'],
    ['PUT', '/postern/public/x?acl'],
    ['GET', '/postern/public/x?uploadId=a'],
  ])('nobody: %s %s', async (method, target) => {
    await harness.refused(() => harness.raw(method, target, { 'content-length': '0' }), 403, 'AccessDenied')
  })

  test.each([
    '/postern/public/%2e%2e/uploads/x',
    '/postern/public/../uploads/x',
    '/postern/public/..%2fuploads/x',
    '/postern/public/x%00',
  ])('nobody: GET %s', async (target) => {
    await harness.refused(() => harness.raw('GET', target), 400, 'InvalidURI')
  })
})

test('another user’s file is 404 for every request', async () => {
  const [alice, eve] = [await harness.user('alice'), await harness.user('eve')]
  const pending = (await alice.post('/files/upload-url', textFile)).json
  const { id } = await store(alice, 'mine')
  const before = await harness.state()
  for (const one of [id, pending.id]) {
    const answers = await Promise.all([
      eve.get(`/files/${one}`),
      eve.get(`/files/${one}/download-url`),
      eve.get(`/files/${one}/content`),
      eve.patch(`/files/${one}`, { filename: 'taken.txt' }),
      eve.patch(`/files/${one}`, { metadata: {} }),
      eve.delete(`/files/${one}`),
      eve.post(`/files/${one}/upload-url`),
      eve.post('/files/confirm', { id: one }),
      eve.post(`/files/multipart/${one}/complete`, {}),
      eve.post(`/files/multipart/${one}/parts`, { partNumbers: [1] }),
      eve.delete(`/files/multipart/${one}`),
    ])
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404))
  }
  expect((await eve.post('/files/confirm', { key: pending.key })).status).toBe(404)
  expect(await harness.state()).toEqual(before)
})

test('a cursor lists only the user’s own files', async () => {
  const [frank, eve] = [await harness.user('frank'), await harness.user('eve')]
  for (const name of ['1.txt', '2.txt', '3.txt']) await upload(frank, name, { filename: name })
  const { nextCursor } = (await frank.get('/files?limit=1')).json
  expect((await eve.get(`/files?cursor=${nextCursor}`)).json.files).toEqual([])
  const forged = Buffer.from("99999999999999:'OR'1'='1").toString('base64url')
  expect((await eve.get(`/files?cursor=${forged}`)).json.files).toEqual([])
  for (const cursor of [
    'x',
    `${nextCursor}.`,
    Buffer.from('1:a\0b').toString('base64url'),
    '..',
    '%00',
    Buffer.from('-1:x').toString('base64url'),
  ]) {
    expect((await frank.get(`/files?cursor=${cursor}`)).status).toBe(400)
  }
})
