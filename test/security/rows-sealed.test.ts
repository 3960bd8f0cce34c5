/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Rows 86, 87 and 90: what nobody changes any more. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { beforeAll, describe, expect, test } from 'vitest'
import { settleUpload } from '../../src/service/uploads/settle-upload.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { pino } from 'pino'
import { upload, type Json } from '../api/caller.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { harness, serveAlice } from './alice.ts'
import { createStores } from '../../src/service/stores/stores.ts'

serveAlice({ key: 'own', body: 'of alice' })

const etagOf = (answer: RawAnswer): string => answer.headers.get('etag') ?? ''
const uploadIdOf = (answer: RawAnswer): string => /<UploadId>([^<]*)</.exec(answer.text)?.[1] ?? ''

describe('a confirmed file, with the gateway’s own key', () => {
  let file: Json
  let begunBefore: string
  let part: string
  beforeAll(async () => {
    const user = await harness.user('carol')
    const issued = await upload(user, 'final bytes')
    begunBefore = uploadIdOf(await harness.signed('gateway', 'POST', `/postern/${issued.key}?uploads`))
    part = etagOf(
      await harness.signed('gateway', 'PUT', `/postern/${issued.key}?partNumber=1&uploadId=${begunBefore}`, {
        body: 'x',
      }),
    )
    file = (await user.post('/files/confirm', { id: issued.id })).json
  })

  const complete = (): string =>
    `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part}</ETag></Part></CompleteMultipartUpload>`
  const tags = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
  const md5 = (text: string): string => createHash('md5').update(text).digest('base64')

  test.each<[string, (path: string) => Promise<RawAnswer>, number, string]>([
    ['PUT', (path) => harness.signed('gateway', 'PUT', path, { body: 'other' }), 403, 'AccessDenied'],
    [
      'PUT of the same bytes',
      (path) => harness.signed('gateway', 'PUT', path, { body: 'final bytes' }),
      403,
      'AccessDenied',
    ],
    [
      'PUT If-None-Match: *',
      (path) => harness.signed('gateway', 'PUT', path, { body: 'x', headers: { 'if-none-match': '*' } }),
      412,
      'PreconditionFailed',
    ],
    [
      'PUT If-Match with its own ETag',
      (path) => harness.signed('gateway', 'PUT', path, { body: 'x', headers: { 'if-match': md5hex('final bytes') } }),
      403,
      'AccessDenied',
    ],
    [
      'a copy onto it',
      (path) => harness.signed('gateway', 'PUT', path, { headers: { 'x-amz-copy-source': `postern/public/none` } }),
      404,
      'NoSuchKey',
    ],
    [
      'a copy of itself with other headers',
      (path) =>
        harness.signed('gateway', 'PUT', path, {
          headers: { 'x-amz-copy-source': path, 'x-amz-metadata-directive': 'REPLACE', 'content-type': 'text/html' },
        }),
      403,
      'AccessDenied',
    ],
    [
      'a form',
      (path) => harness.post('gateway', { bucket: 'postern', key: path.replace('/postern/', '') }),
      403,
      'AccessDenied',
    ],
    ['a multipart upload', (path) => harness.signed('gateway', 'POST', `${path}?uploads`), 403, 'AccessDenied'],
    [
      'completing one that was begun before',
      (path) => harness.signed('gateway', 'POST', `${path}?uploadId=${begunBefore}`, { body: complete() }),
      403,
      'AccessDenied',
    ],
    [
      'other tags',
      (path) =>
        harness.signed('gateway', 'PUT', `${path}?tagging`, { body: tags, headers: { 'content-md5': md5(tags) } }),
      403,
      'AccessDenied',
    ],
    [
      'another ACL',
      (path) => harness.signed('gateway', 'PUT', `${path}?acl`, { headers: { 'x-amz-acl': 'public-read' } }),
      403,
      'AccessDenied',
    ],
  ])('%s', async (_, send, status, code) => {
    await harness.refused(() => send(`/postern/${file.key}`), status, code)
    const got = await harness.signed('gateway', 'GET', `/postern/${file.key}`)
    expect([got.text, got.headers.get('content-type')]).toEqual(['final bytes', 'text/plain; charset=utf-8'])
  })
})

const md5hex = (text: string): string => `"${createHash('md5').update(text).digest('hex')}"`

describe('the verified bytes are sealed', () => {
  // Two blocks with one MD5 (Wang et al., 2004): an ETag alone tells neither of them from the other.
  const one = Buffer.from(
    'd131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a' +
      '085125e8f7cdc99fd91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0' +
      'e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70',
    'hex',
  )
  const other = Buffer.from(one)
  for (const at of [19, 45, 59, 83, 109, 123]) other[at]! ^= 0x80

  const swapped = async (change: (put: (bytes: Buffer, type: string) => Promise<unknown>) => Promise<unknown>) => {
    const user = await harness.user('mallory')
    const { gateway } = harness.gateway
    const { json } = await user.post('/files/upload-url', { filename: 'a.mp3', mimeType: 'audio/mpeg' })
    const target = { bucket: 'postern', key: json.key }
    const put = (bytes: Buffer, contentType: string): Promise<unknown> =>
      gateway.driver.putObject(target, Readable.from([bytes]), { contentType })
    await put(one, 'audio/mpeg')
    let seals = 0
    const driver: StorageDriver = {
      ...gateway.driver,
      async sealObject(ref, o) {
        if (seals++ === 0) await change(put)
        return gateway.driver.sealObject(ref, o)
      },
    }
    const found = await gateway.catalog.findUploadByKey(json.key)
    const deps = {
      stores: createStores(driver),
      catalog: gateway.catalog,
      config: gateway.config,
      now: () => new Date(),
      log: pino({ level: 'silent' }),
      urls: { api: () => '' },
    }
    const { file } = await settleUpload(deps, { file: found!.file, grant: found!.grant! })
    const object = await gateway.driver.getObject(file.object)
    const bytes = Buffer.concat(await object.stream().toArray())
    return { seals, bytes, type: object.head.contentType, recorded: file.checksum }
  }

  test('other bytes with the same MD5, sent between the two, are verified again', async () => {
    expect(md5hex(one.toString('latin1'))).not.toBe('')
    expect(createHash('md5').update(one).digest('hex')).toBe(createHash('md5').update(other).digest('hex'))
    expect(one.equals(other)).toBe(false)
    const { seals, bytes } = await swapped((put) => put(other, 'audio/mpeg'))
    expect(seals).toBe(2)
    expect(bytes.equals(other)).toBe(true)
  })

  test('the same bytes under another type are refused', async () => {
    await expect(swapped((put) => put(one, 'text/html'))).rejects.toMatchObject({ code: 'UploadMismatch' })
  })
})
