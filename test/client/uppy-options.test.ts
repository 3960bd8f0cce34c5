/** `uppyOptions` without Uppy: who asks, and what is answered in the store's place. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient } from '../../src/client/index.ts'
import { uppyOptions } from '../../src/client/uppy.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'

let gateway: RunningGateway
beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway?.close())

const optionsOf = (token: () => string | Promise<string>) =>
  uppyOptions(
    createClient({
      baseUrl: `${gateway.apiUrl}/`,
      headers: async () => ({ authorization: `Bearer ${await token()}` }),
    }),
  )
const file = { name: 'ignored.txt', type: 'text/plain', size: 5, meta: { name: 'né & <1>.txt', type: 'text/plain' } }
const textAt = async (url: string): Promise<string> => (await fetch(url)).text()

test('a whole upload in parts, as Uppy 6 requests it', async () => {
  const { generateObjectKey, signRequest } = optionsOf(() => gateway.token('alice'))
  const created = await signRequest({ method: 'POST', key: generateObjectKey(file) })
  const key = created.key ?? ''
  expect(key).toMatch(/^uploads\/[\w-]+\.txt$/)
  const document = await textAt(created.url)
  const uploadId = /^<InitiateMultipartUploadResult><UploadId>([\w-]+)<\/UploadId><\/Init/.exec(document)?.[1] ?? ''
  const upload = { key, uploadId }

  const { url } = await signRequest({ method: 'PUT', ...upload, partNumber: 1 })
  const sent = await fetch(url, { method: 'PUT', body: 'bytes' })
  const listed = await textAt((await signRequest({ method: 'GET', ...upload })).url)
  const etag = sent.headers.get('etag')?.replaceAll('"', '') ?? ''
  expect(listed).toBe(
    `<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>&quot;${etag}&quot;</ETag><Size>5</Size></Part></ListPartsResult>`,
  )
  const joined = await textAt((await signRequest({ method: 'POST', ...upload })).url)
  expect(joined).toContain(`<Key>${key}</Key>`)
  expect(joined).toMatch(/<Location>http:\/\/[^<]+\/content<\/Location>/)

  const authorization = `Bearer ${await gateway.token('alice')}`
  const answer = await fetch(`${gateway.apiUrl}/files`, { headers: { authorization } })
  const { files } = (await answer.json()) as { files: object[] }
  expect(files).toMatchObject([{ filename: 'né & <1>.txt', size: 5, status: 'confirmed', key, metadata: {} }])
})

test('a cancelled upload returns nothing, and is deleted', async () => {
  const { signRequest, createMultipartUpload } = optionsOf(() => gateway.token('bob'))
  const upload = await createMultipartUpload(file)
  expect(await textAt((await signRequest({ method: 'DELETE', ...upload })).url)).toBe('')
  await expect(signRequest({ method: 'GET', ...upload })).rejects.toThrow(/no such pending upload/)
  const other = optionsOf(() => gateway.token('carol'))
  const begun = await createMultipartUpload(file)
  await expect(other.signRequest({ method: 'PUT', ...begun, partNumber: 1 })).rejects.toThrow(/no such multipart/)
})

test('requests a new token once after a refusal', async () => {
  const tokens = ['stale', await gateway.token('dave')]
  const { getUploadParameters } = optionsOf(() => tokens.shift() ?? 'none')
  const { method, url, headers, fields } = await getUploadParameters(file)
  expect([method, Object.keys(fields)]).toEqual(['PUT', ['key']])
  expect((await fetch(url, { method, headers, body: 'bytes' })).status).toBe(200)
  await expect(getUploadParameters(file)).rejects.toThrow(/token/)
})

test('enforces the declared size', async () => {
  const { getUploadParameters } = optionsOf(() => gateway.token('erin'))
  const { url, headers } = await getUploadParameters(file)
  expect((await fetch(url, { method: 'PUT', headers, body: 'six by' })).status).toBe(403)
})
