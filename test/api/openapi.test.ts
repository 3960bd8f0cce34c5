/** The description of the API knows every route, and every answer that generated requests bring about. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operationKey, templateOf } from '../../src/api/openapi/document.ts'
import { operations as described } from '../../src/api/openapi/operations.ts'
import { routes } from '../../src/api/routes/table.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { as, call, put, sha256, textFile, type Answer } from './caller.ts'
import { readDescription, type Description, type Operation } from './described.ts'
import { requestOf, type Generated } from './generated-requests.ts'

let gateway: RunningGateway
let description: Description
let authorization: string

beforeAll(async () => {
  gateway = await startGateway({ limits: { pendingUploads: 100_000 } })
  description = await readDescription(gateway.apiUrl)
  authorization = `Bearer ${await gateway.token('alice')}`
})
afterAll(() => gateway.close())

const operation = (id: string): Operation => {
  const found = description.operations.find(({ operationId }) => operationId === id)
  if (!found) throw new Error(`no operation ${id}`)
  return found
}

describe('the description', () => {
  it('has each route of the table, and no other', () => {
    const inTable = routes.map(operationKey).toSorted()
    expect(Object.keys(described).toSorted()).toEqual([...inTable, 'GET /docs'].toSorted())
    const paths = routes.map(({ method, path }) => `${method} ${templateOf(path)}`)
    expect(description.operations.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(paths.toSorted())
  })

  it('names each operation once, by OpenAPI 3.1', () => {
    const ids = description.operations.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(description.document.openapi).toMatch(/^3\.1\./)
  })

  it('says which names a path holds', () => {
    for (const { path, parameters } of description.operations) {
      const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`)
      expect(path.match(/\{\w+\}/g) ?? []).toEqual(inPath)
    }
  })
})

describe('the way of a file', () => {
  const check = (id: string, answer: Answer, status: number): Answer => {
    expect(answer.status, answer.text).toBe(status)
    expect(description.differs(operation(id), answer)).toBeNull()
    return answer
  }

  it('is answered as described, from the URL to the end', async () => {
    const alice = await as(gateway, 'alice')
    const checksum = { algorithm: 'sha256', value: sha256('hello') }
    const metadata = { album: '2026' }
    const issued = check(
      'issueUploadUrl',
      await alice.post('/files/upload-url', { ...textFile, size: 5, checksum, metadata }),
      200,
    ).json
    check('renewUploadUrl', await alice.post(`/files/${issued.id}/upload-url`, {}), 200)
    check('confirmUpload', await alice.post('/files/confirm', { id: issued.id }), 409)
    await put(issued, 'hello')
    check('confirmUpload', await alice.post('/files/confirm', { id: issued.id }), 201)
    check('confirmUpload', await alice.post('/files/confirm', { key: issued.key }), 200)
    check('listFiles', await alice.get('/files?limit=1'), 200)
    check('getFile', await alice.get(`/files/${issued.id}`), 200)
    check('updateFile', await alice.patch(`/files/${issued.id}`, { filename: 'b.txt' }), 200)
    check('issueDownloadUrl', await alice.get(`/files/${issued.id}/download-url`), 200)
    check('getContent', await alice.get(`/files/${issued.id}/content`), 302)
    check('getUsage', await alice.get('/files/usage'), 200)
    const made = await alice.post(`/files/${issued.id}/links`, { maxUses: 1, expiresIn: 60 })
    const link = check('createLink', made, 201).json
    check('listLinks', await alice.get(`/files/${issued.id}/links`), 200)
    check('followLink', await call(link.url), 302)
    check('followLink', await call(link.url), 404)
    check('revokeLink', await alice.delete(`/files/${issued.id}/links/${link.id}`), 204)
    check('revokeLink', await alice.delete(`/files/${issued.id}/links/${link.id}`), 404)
    check('deleteFile', await alice.delete(`/files/${issued.id}`), 204)
    check('getFile', await alice.get(`/files/${issued.id}`), 404)
  })

  it('is answered as described in public, by a form, and to Uppy', async () => {
    const alice = await as(gateway, 'alice')
    const form = { ...textFile, method: 'POST' }
    check('issueUploadUrl', await alice.post('/files/upload-url', form), 200)
    const open = check('issuePublicUploadUrl', await alice.post('/api/upload-url', textFile), 200).json
    await put(open, 'hello')
    check('getPublicContent', await call(`${gateway.apiUrl}/${open.key}`), 302)
    check('uppyParams', await alice.get('/s3/params?filename=a.txt&type=text/plain'), 200)
    const begun = check('uppyBegin', await alice.post('/s3/multipart', { filename: 'a.txt', type: 'text/plain' }), 200)
    const { uploadId, key } = JSON.parse(begun.text) as { uploadId: string; key: string }
    const query = `key=${encodeURIComponent(key)}`
    check('uppySignPart', await alice.get(`/s3/multipart/${uploadId}/1?${query}`), 200)
    check('uppySignParts', await alice.get(`/s3/multipart/${uploadId}/batch?${query}&partNumbers=1,2`), 200)
    check('uppyListParts', await alice.get(`/s3/multipart/${uploadId}?${query}`), 200)
    check('uppyAbort', await alice.delete(`/s3/multipart/${uploadId}?${query}`), 200)
  })

  it('is answered as described in parts', async () => {
    const alice = await as(gateway, 'alice')
    const begun = check('beginMultipart', await alice.post('/files/multipart', { ...textFile, size: 5 }), 200).json
    const issued = check(
      'issuePartUrls',
      await alice.post(`/files/multipart/${begun.id}/parts`, { partNumbers: [1] }),
      200,
    )
    const [part] = (JSON.parse(issued.text) as { parts: { url: string; headers: Record<string, string> }[] }).parts
    await put({ uploadUrl: part?.url ?? '', headers: part?.headers ?? {} }, 'hello')
    check('listParts', await alice.get(`/files/multipart/${begun.id}/parts`), 200)
    check('completeMultipart', await alice.post(`/files/multipart/${begun.id}/complete`, {}), 201)
    check('completeMultipart', await alice.post(`/files/multipart/${begun.id}/complete`, {}), 200)
    const other = (await alice.post('/files/multipart', textFile)).json
    check('abortMultipart', await alice.delete(`/files/multipart/${other.id}`), 204)
  })

  it('is answered as described by a server that is asked for itself', async () => {
    check('getHealth', await call(`${gateway.apiUrl}/healthz`), 200)
    check('getReadiness', await call(`${gateway.apiUrl}/readyz`), 200)
    check('getDescription', await call(`${gateway.apiUrl}/openapi.json`), 200)
  })
})

describe('generated requests', () => {
  const send = ({ target, method, body, signedIn }: Generated): Promise<Answer> =>
    call(gateway.apiUrl + target, {
      method,
      headers: {
        ...(signedIn ? { authorization } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
    })

  // Endless by nature.
  const streams = new Set(['GET /console/log'])

  it.each(routes.map(operationKey).filter((key) => !streams.has(key)))(
    'to %s are answered as described',
    async (key) => {
      const id = described[key]?.id ?? ''
      await fc.assert(
        fc.asyncProperty(requestOf(operation(id)), async (request) => {
          const answer = await send(request)
          expect(description.differs(operation(id), answer), JSON.stringify(request)).toBeNull()
          expect(answer.status, answer.text).toBeLessThan(500)
        }),
        { numRuns: 40, seed: 20_261_122 },
      )
    },
  )
})
