/* oxlint-disable vitest/expect-expect -- expectDescribed() holds the expectations */
/** The description of the API knows every route, and every answer that generated requests bring about. */
import * as fc from 'fast-check'
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

describe('the OpenAPI description', () => {
  it('has each route of the table, and no other', () => {
    const inTable = routes.map(operationKey).toSorted()
    expect(Object.keys(described).toSorted()).toEqual([...inTable, 'GET /docs'].toSorted())
    const paths = routes.map(({ method, path }) => `${method} ${templateOf(path)}`)
    expect(description.operations.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(paths.toSorted())
  })

  it('has unique operation ids, and is valid OpenAPI 3.1', () => {
    const ids = description.operations.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(description.document.openapi).toMatch(/^3\.1\./)
  })

  it('lists the parameters of each path', () => {
    for (const { path, parameters } of description.operations) {
      const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`)
      expect(path.match(/\{\w+\}/g) ?? []).toEqual(inPath)
    }
  })
})

describe('described requirements', () => {
  it.each([
    ['POST', '/files/upload-url', { filename: '' }],
    ['POST', '/files/confirm', {}],
    ['POST', '/files/confirm', { id: 'a', key: 'b' }],
    ['PATCH', '/files/{id}', {}],
    ['POST', '/s3/multipart', { filename: '' }],
    ['POST', '/s3/multipart/{id}/complete', { parts: [{ PartNumber: null, ETag: null }] }],
    ['POST', '/s3/multipart/{id}/complete', { parts: [{ PartNumber: 10_001, ETag: 'a' }] }],
  ])('%s %s does not allow %j, and the server refuses it', async (method, path, body) => {
    const query = path.startsWith('/s3/multipart/') ? '?key=a' : ''
    const answer = await call(gateway.apiUrl + path.replace('{id}', 'a') + query, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(answer.json.code).toBe('InvalidArgument')
    expect(description.accepts(method, path, body)).toBe(false)
  })

  it.each([
    ['POST', '/files/upload-url', { filename: 'a.txt', checksum: null, size: null, metadata: null }, 200],
    ['POST', '/files/multipart', { filename: 'a.txt', checksum: null, partSize: null }, 200],
    ['POST', '/files/confirm', { id: null, key: 'uploads/none' }, 404],
    ['PATCH', '/files/{id}', { filename: 'a.txt', metadata: null }, 404],
    ['POST', '/s3/multipart', { filename: 'a.txt', type: null, metadata: { a: 1, b: true, c: null } }, 200],
  ])('%s %s allows %j: a null is no field', async (method, path, body, status) => {
    const answer = await call(gateway.apiUrl + path.replace('{id}', 'a'), {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect([answer.status, answer.text]).toEqual([status, answer.text])
    expect(description.accepts(method, path, body)).toBe(true)
  })

  it('include a body if one of its fields is required', () => {
    const optional = description.operations.filter(({ bodyRequired }) => bodyRequired === false)
    const names = optional.map(({ operationId }) => operationId)
    expect(names.toSorted()).toEqual(['completeMultipart', 'createLink', 'renewUploadUrl'])
  })

  it('include credentials, unless everyone is a user', async () => {
    const security = (o: Description) => o.document.paths['/files']?.['get']?.security
    const credentials = [{ bearer: [] }, { cookie: [] }]
    expect(security(description)).toEqual(credentials)
    const open = await startGateway({ auth: { anonymous: 'guest' } })
    try {
      expect(security(await readDescription(open.apiUrl))).toEqual([...credentials, {}])
    } finally {
      await open.close()
    }
  })

  it('has an end, and what is beyond it is answered as described', async () => {
    const answer = await call(`${gateway.apiUrl}/files?q=${'a'.repeat(17_000)}`, { headers: { authorization } })
    expect(answer.status).toBe(431)
    expect(description.differs(operation('listFiles'), answer)).toBeNull()
  })
})

describe('the way of a file', () => {
  const expectDescribed = (id: string, answer: Answer, status: number): Answer => {
    expect([answer.status, answer.text]).toEqual([status, answer.text])
    expect(description.differs(operation(id), answer)).toBeNull()
    return answer
  }

  it('is answered as described, from the URL to the end', async () => {
    const alice = await as(gateway, 'alice')
    const checksum = { algorithm: 'sha256', value: sha256('hello') }
    const metadata = { album: '2026' }
    const issued = expectDescribed(
      'issueUploadUrl',
      await alice.post('/files/upload-url', { ...textFile, size: 5, checksum, metadata }),
      200,
    ).json
    expectDescribed('renewUploadUrl', await alice.post(`/files/${issued.id}/upload-url`, {}), 200)
    expectDescribed('confirmUpload', await alice.post('/files/confirm', { id: issued.id }), 409)
    await put(issued, 'hello')
    expectDescribed('confirmUpload', await alice.post('/files/confirm', { id: issued.id }), 201)
    expectDescribed('confirmUpload', await alice.post('/files/confirm', { key: issued.key }), 200)
    expectDescribed('listFiles', await alice.get('/files?limit=1'), 200)
    expectDescribed('getFile', await alice.get(`/files/${issued.id}`), 200)
    expectDescribed('updateFile', await alice.patch(`/files/${issued.id}`, { filename: 'b.txt' }), 200)
    expectDescribed('issueDownloadUrl', await alice.get(`/files/${issued.id}/download-url`), 200)
    expectDescribed('getContent', await alice.get(`/files/${issued.id}/content`), 302)
    expectDescribed('getUsage', await alice.get('/files/usage'), 200)
    const made = await alice.post(`/files/${issued.id}/links`, { maxUses: 1, expiresIn: 60 })
    const link = expectDescribed('createLink', made, 201).json
    expectDescribed('listLinks', await alice.get(`/files/${issued.id}/links`), 200)
    expectDescribed('followLink', await call(link.url), 302)
    expectDescribed('followLink', await call(link.url, { headers: { 'sec-purpose': 'prefetch' } }), 204)
    expectDescribed('followLink', await call(link.url, { headers: { 'user-agent': 'another reader' } }), 404)
    expectDescribed('revokeLink', await alice.delete(`/files/${issued.id}/links/${link.id}`), 204)
    expectDescribed('revokeLink', await alice.delete(`/files/${issued.id}/links/${link.id}`), 404)
    expectDescribed('deleteFile', await alice.delete(`/files/${issued.id}`), 204)
    expectDescribed('getFile', await alice.get(`/files/${issued.id}`), 404)
  })

  it('is answered as described in public, by a form, and to Uppy', async () => {
    const alice = await as(gateway, 'alice')
    const form = { ...textFile, method: 'POST' }
    expectDescribed('issueUploadUrl', await alice.post('/files/upload-url', form), 200)
    const open = expectDescribed('issuePublicUploadUrl', await alice.post('/api/upload-url', textFile), 200).json
    await put(open, 'hello')
    expectDescribed('getPublicContent', await call(`${gateway.apiUrl}/${open.key}`), 302)
    expectDescribed('uppyParams', await alice.get('/s3/params?filename=a.txt&type=text/plain'), 200)
    const begun = expectDescribed(
      'uppyBegin',
      await alice.post('/s3/multipart', { filename: 'a.txt', type: 'text/plain' }),
      200,
    )
    const { uploadId, key } = JSON.parse(begun.text) as { uploadId: string; key: string }
    const query = `key=${encodeURIComponent(key)}`
    expectDescribed('uppySignPart', await alice.get(`/s3/multipart/${uploadId}/1?${query}`), 200)
    expectDescribed('uppySignParts', await alice.get(`/s3/multipart/${uploadId}/batch?${query}&partNumbers=1,2`), 200)
    expectDescribed('uppyListParts', await alice.get(`/s3/multipart/${uploadId}?${query}`), 200)
    expectDescribed('uppyAbort', await alice.delete(`/s3/multipart/${uploadId}?${query}`), 200)
  })

  it('is answered as described in parts', async () => {
    const alice = await as(gateway, 'alice')
    const begun = expectDescribed(
      'beginMultipart',
      await alice.post('/files/multipart', { ...textFile, size: 5 }),
      200,
    ).json
    const issued = expectDescribed(
      'issuePartUrls',
      await alice.post(`/files/multipart/${begun.id}/parts`, { partNumbers: [1] }),
      200,
    )
    const [part] = (JSON.parse(issued.text) as { parts: { url: string; headers: Record<string, string> }[] }).parts
    await put({ uploadUrl: part?.url ?? '', headers: part?.headers ?? {} }, 'hello')
    expectDescribed('listParts', await alice.get(`/files/multipart/${begun.id}/parts`), 200)
    expectDescribed('completeMultipart', await alice.post(`/files/multipart/${begun.id}/complete`, {}), 201)
    expectDescribed('completeMultipart', await alice.post(`/files/multipart/${begun.id}/complete`, {}), 200)
    const other = (await alice.post('/files/multipart', textFile)).json
    expectDescribed('abortMultipart', await alice.delete(`/files/multipart/${other.id}`), 204)
  })

  it('is answered as described by a server that is asked for itself', async () => {
    expectDescribed('getHealth', await call(`${gateway.apiUrl}/healthz`), 200)
    expectDescribed('getReadiness', await call(`${gateway.apiUrl}/readyz`), 200)
    expectDescribed('getDescription', await call(`${gateway.apiUrl}/openapi.json`), 200)
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
          expect([request, description.differs(operation(id), answer)]).toEqual([request, null])
          expect(answer.status).toBeLessThan(500)
        }),
        { numRuns: 40, seed: 20_261_122 },
      )
    },
  )
})
