/** Access rights of two owners, the gateway's own key, and anonymous clients. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { element, startEndpoint, type Endpoint, type Who } from './endpoint.ts'

let endpoint: Endpoint
const bucket = 'alice-1'

beforeAll(async () => {
  endpoint = await startEndpoint()
  await endpoint.store.createBucket(bucket, { owner: 'alice' })
  await endpoint.store.createBucket('alice-open', { owner: 'alice', acl: 'public-read' })
  await endpoint.store.createBucket('bob-1', { owner: 'bob' })
  for (const [who, path, headers] of [
    ['alice', `/${bucket}/private`, {}],
    ['alice', `/${bucket}/open`, { 'x-amz-acl': 'public-read' }],
    ['alice', '/alice-open/private', {}],
    ['bob', '/bob-1/private', {}],
    ['gateway', '/postern/uploads/one.txt', {}],
    ['gateway', '/postern/public/one.txt', {}],
  ] as [Who, string, Record<string, string>][]) {
    await endpoint.signed(who, 'PUT', path, { body: path, headers })
  }
})
afterAll(() => endpoint.close())

const status = async (
  who: Who | null,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<number> => {
  const answer =
    who === null ? await endpoint.raw(method, path, headers) : await endpoint.signed(who, method, path, { headers })
  return answer.status
}

test.each([
  ['/alice-1/private', 200, 403, 403, 403],
  ['/alice-1/open', 200, 200, 200, 200],
  ['/alice-1/absent', 404, 403, 403, 403],
  ['/alice-open/private', 200, 403, 403, 403],
  ['/alice-open/absent', 404, 404, 404, 404],
  ['/alice-open', 200, 200, 200, 200],
  ['/alice-1', 200, 403, 403, 403],
  ['/bob-1/private', 403, 200, 403, 403],
  ['/nowhere-1', 404, 404, 404, 404],
  ['/nowhere-1/key', 404, 404, 404, 404],
  ['/postern/uploads/one.txt', 403, 403, 200, 403],
  ['/postern/uploads/absent', 403, 403, 404, 403],
  ['/postern/public/one.txt', 200, 200, 200, 200],
  ['/postern/public/absent', 404, 404, 404, 404],
  ['/postern', 403, 403, 200, 403],
  ['/alice-1?acl', 200, 403, 403, 403],
  ['/alice-1/open?acl', 200, 403, 403, 403],
  ['/alice-1/open?tagging', 200, 403, 403, 403],
  ['/alice-1?uploads', 200, 403, 403, 403],
])('reading %s: alice %i, bob %i, the gateway %i, anyone %i', async (path, alice, bob, gateway, anyone) => {
  const [target, query] = path.split('?')
  const read = async (who: Who): Promise<number> =>
    (await endpoint.signed(who, 'GET', target!, query === undefined ? {} : { query: { [query]: '' } })).status
  expect([await read('alice'), await read('bob'), await read('gateway')]).toEqual([alice, bob, gateway])
  expect(await status(null, 'GET', path)).toBe(anyone)
})

describe('writing to another owner’s bucket', () => {
  const routes: [string, string, string][] = [
    ['PUT', '/alice-1/new', ''],
    ['PUT', '/alice-1/open', ''],
    ['DELETE', '/alice-1/open', ''],
    ['DELETE', '/alice-1', ''],
    ['PUT', '/alice-1/open', 'acl'],
    ['PUT', '/alice-1/open', 'tagging'],
    ['DELETE', '/alice-1/open', 'tagging'],
    ['PUT', '/alice-1', 'acl'],
    ['PUT', '/alice-1', 'cors'],
    ['DELETE', '/alice-1', 'cors'],
    ['POST', '/alice-1', 'delete'],
    ['POST', '/alice-1/new', 'uploads'],
    ['PUT', '/alice-open/new', ''],
    ['PUT', '/postern/uploads/new', ''],
    ['PUT', '/postern/public/one.txt', ''],
    ['DELETE', '/postern/public/one.txt', ''],
    ['DELETE', '/postern', ''],
    ['PUT', '/postern', ''],
    ['PUT', '/postern', 'cors'],
    ['POST', '/postern', 'delete'],
  ]
  test.each(routes)('%s %s?%s', async (method, path, name) => {
    const before = await endpoint.state()
    const query = name === '' ? {} : { query: { [name]: '' } }
    const answer = await endpoint.signed('bob', method, path, { ...query, body: method === 'DELETE' ? '' : 'x' })
    expect([answer.status, element(answer, 'Code')]).toEqual([403, 'AccessDenied'])
    const length: Record<string, string> = method === 'DELETE' ? {} : { 'content-length': '1' }
    const target = name === '' ? path : `${path}?${name}`
    expect((await endpoint.raw(method, target, length, method === 'DELETE' ? '' : 'x')).status).toBe(403)
    expect(await endpoint.state()).toEqual(before)
  })

  test('by copy, neither from a bucket nor to one', async () => {
    const before = await endpoint.state()
    expect(await status('bob', 'PUT', '/bob-1/stolen', { 'x-amz-copy-source': '/alice-1/private' })).toBe(403)
    expect(await status('bob', 'PUT', '/bob-1/stolen', { 'x-amz-copy-source': '/postern/uploads/one.txt' })).toBe(403)
    expect(await status('bob', 'PUT', '/alice-1/planted', { 'x-amz-copy-source': '/bob-1/private' })).toBe(403)
    expect(await endpoint.state()).toEqual(before)
    expect(await status('bob', 'PUT', '/bob-1/copied', { 'x-amz-copy-source': '/alice-1/open' })).toBe(200)
  })

  test('does not delete the gateway’s own bucket, even with its own key', async () => {
    expect(await status('gateway', 'DELETE', '/postern')).toBe(403)
    expect(await status('gateway', 'PUT', '/alice-1/new')).toBe(403)
  })

  test('rejects a bucket name that is taken', async () => {
    const answer = await endpoint.signed('bob', 'PUT', '/alice-1')
    expect([answer.status, element(answer, 'Code')]).toEqual([409, 'BucketAlreadyExists'])
  })

  test('rejects another owner than expected', async () => {
    expect(await status('alice', 'GET', '/alice-1/private', { 'x-amz-expected-bucket-owner': 'bob' })).toBe(403)
    expect(await status('alice', 'GET', '/alice-1/private', { 'x-amz-expected-bucket-owner': 'alice' })).toBe(200)
  })
})
