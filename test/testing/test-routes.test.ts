/** The `/_test` routes over HTTP, and that they exist in test mode only. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPostern, type Postern } from '../../src/testing/index.ts'
import { startGateway } from '../fixtures/gateway.ts'

let postern: Postern
let bearer: { authorization: string }
beforeAll(async () => {
  postern = await startPostern({ buckets: ['app'] })
  bearer = { authorization: `Bearer ${postern.env['POSTERN_TEST_TOKEN']!}` }
})
afterAll(() => postern.stop())

const call = (method: string, path: string, headers: Record<string, string> = bearer): Promise<Response> =>
  fetch(`${postern.url}/_test${path}`, { method, headers })
const files = async (): Promise<unknown[]> => {
  const token = await postern.tokenFor('alice')
  const response = await fetch(`${postern.url}/files`, { headers: { authorization: `Bearer ${token}` } })
  return ((await response.json()) as { files: unknown[] }).files
}

describe('test routes', () => {
  test('list requests by operation and key, and clear them', async () => {
    await fetch(`${postern.objectsUrl}/app/some-key`)
    const response = await call('GET', '/requests?operation=GetObject&key=some-key')
    expect(await response.json()).toMatchObject({
      requests: [{ operation: 'GetObject', bucket: 'app', key: 'some-key', status: 403, code: 'AccessDenied' }],
    })
    expect((await call('DELETE', '/requests')).status).toBe(204)
    expect(await (await call('GET', '/requests')).json()).toEqual({ requests: [] })
  })

  test('restore a snapshot, and the state after the start', async () => {
    const { id } = (await (await call('POST', '/snapshots')).json()) as { id: string }
    await postern.upload('alice', { filename: 'a.txt', content: 'x' })
    expect(await files()).toHaveLength(1)
    expect((await call('POST', `/snapshots/${id}/restore`)).status).toBe(204)
    expect(await files()).toHaveLength(0)
    await postern.upload('alice', { filename: 'b.txt', content: 'x' })
    expect((await call('POST', '/reset')).status).toBe(204)
    expect(await files()).toHaveLength(0)
    expect((await call('POST', '/snapshots/unknown/restore')).status).toBe(404)
    expect((await call('POST', '/nothing')).status).toBe(404)
  })

  test.each([
    ['a wrong token', { authorization: 'Bearer wrong' }],
    ['a page of another site', { origin: 'https://evil.example' }],
    ['a sandboxed page', { origin: 'null' }],
    ['a link of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a proxy that forwards for another machine', { 'x-forwarded-for': '203.0.113.9' }],
  ])('reject %s, and change nothing', async (_, headers) => {
    const { id } = await postern.upload('alice', { filename: 'kept.txt', content: 'x' })
    const response = await call('POST', '/reset', headers as Record<string, string>)
    expect(response.status).toBe(403)
    expect(await files()).toMatchObject([{ id }])
    await postern.reset()
  })

  test('accept a request of this machine without a token', async () => {
    expect((await call('GET', '/requests', {})).status).toBe(200)
  })

  test('need the token if requests need one', async () => {
    await using closed = await startPostern({ requireToken: true })
    expect((await fetch(`${closed.url}/_test/requests`)).status).toBe(403)
    const headers = { authorization: `Bearer ${closed.env['POSTERN_TEST_TOKEN']!}` }
    expect((await fetch(`${closed.url}/_test/requests`, { headers })).status).toBe(200)
  })

  test('do not exist outside test mode, even with a token', async () => {
    const gateway = await startGateway({}, { dev: true })
    try {
      for (const path of ['/_test/requests', '/_test/rules', '/_test/clock'])
        expect((await fetch(`${gateway.apiUrl}${path}`, { headers: bearer })).status).toBe(404)
      expect((await fetch(`${gateway.apiUrl}/_test/reset`, { method: 'POST', headers: bearer })).status).toBe(404)
    } finally {
      await gateway.close()
    }
  })
})
