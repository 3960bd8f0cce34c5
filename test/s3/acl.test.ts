/** ACLs: the access of canned ACLs and grants, the owner of objects from other writers, and refusals. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { element, startEndpoint, type Endpoint, type Who } from './endpoint.ts'

let endpoint: Endpoint
let bucket: string
let made = 0

beforeAll(async () => {
  endpoint = await startEndpoint()
})
afterAll(() => endpoint?.close())
beforeEach(async () => {
  bucket = `alice-${++made}`
  await endpoint.store.createBucket(bucket, { owner: 'alice' })
})

type Asker = Who | 'anyone'
type More = { headers?: Record<string, string>; query?: string; body?: string }

async function send(
  who: Asker,
  method: string,
  path: string,
  o: More = {},
): Promise<{ status: number; code?: string | undefined; text: string }> {
  const { headers = {}, query, body = method === 'PUT' && query !== 'acl' ? 'x' : '' } = o
  const target = `/${bucket}${path}`
  const length = method === 'PUT' ? { 'content-length': String(body.length) } : {}
  const answer =
    who === 'anyone'
      ? await endpoint.raw(method, query === undefined ? target : `${target}?${query}`, { ...headers, ...length }, body)
      : await endpoint.signed(who, method, target, {
          headers,
          body,
          ...(query !== undefined && { query: { [query]: '' } }),
        })
  return { status: answer.status, code: element(answer, 'Code'), text: answer.text }
}

const statuses = async (method: string, path: string, o: More = {}): Promise<number[]> => {
  const all: number[] = []
  for (const who of ['alice', 'bob', 'gateway', 'anyone'] as const) all.push((await send(who, method, path, o)).status)
  return all
}

const group = (name: string): string => `http://acs.amazonaws.com/groups/global/${name}`
const grant = (to: string, permission: string): string =>
  `<Grant><Grantee>${to}</Grantee><Permission>${permission}</Permission></Grant>`
const document = (grants: string, owner = 'alice'): string =>
  `<AccessControlPolicy><Owner><ID>${owner}</ID></Owner><AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`

/** Each grant of an ACL that was read. */
const grantsOf = (text: string): string[] =>
  [
    ...text.matchAll(/<Grant>.*?(?:<ID>(.*?)<\/ID>|<URI>.*?(\w+)<\/URI>).*?<Permission>(.*?)<\/Permission><\/Grant>/g),
  ].map(([, id, uri, permission]) => `${id ?? uri} ${permission}`)

describe('canned ACLs', () => {
  test.each([
    ['private', [200, 403, 403, 403]],
    ['public-read', [200, 200, 200, 200]],
    ['public-read-write', [200, 200, 200, 200]],
    ['authenticated-read', [200, 200, 403, 403]],
    ['bucket-owner-read', [200, 403, 403, 403]],
    ['bucket-owner-full-control', [200, 403, 403, 403]],
  ])('%s of an object: reading it is %j for alice, bob, the gateway and anyone', async (acl, expected) => {
    expect((await send('alice', 'PUT', '/k', { headers: { 'x-amz-acl': acl } })).status).toBe(200)
    expect(await statuses('GET', '/k')).toEqual(expected)
    // No ACL of an object lets anybody write it.
    expect((await statuses('PUT', '/k')).slice(1)).toEqual([403, 403, 403])
    expect((await statuses('GET', '')).slice(1)).toEqual([403, 403, 403])
  })

  test.each([
    ['private', [200, 403, 403, 403], [200, 403, 403, 403]],
    ['public-read', [200, 200, 200, 200], [200, 403, 403, 403]],
    ['public-read-write', [200, 200, 200, 200], [200, 200, 200, 200]],
    ['authenticated-read', [200, 200, 403, 403], [200, 403, 403, 403]],
    ['log-delivery-write', [200, 403, 403, 403], [200, 403, 403, 403]],
  ])('%s of a bucket: listing it is %j, writing into it %j', async (acl, list, write) => {
    expect((await send('alice', 'PUT', '', { query: 'acl', headers: { 'x-amz-acl': acl } })).status).toBe(200)
    expect(await statuses('GET', '')).toEqual(list)
    expect((await statuses('PUT', '/k')).map((status) => status)).toEqual(write)
    // Its settings stay the owner's.
    expect((await statuses('GET', '', { query: 'acl' })).slice(1)).toEqual([403, 403, 403])
    expect((await statuses('DELETE', '', { query: 'cors' })).slice(1)).toEqual([403, 403, 403])
    const deleted = (await statuses('DELETE', '/other')).map((status) => (status === 204 ? 200 : status))
    expect(deleted).toEqual(write)
  })

  test('only requesters that may list the bucket learn that a key is absent', async () => {
    await send('alice', 'PUT', '', { query: 'acl', headers: { 'x-amz-acl': 'authenticated-read' } })
    expect(await statuses('GET', '/absent')).toEqual([404, 404, 403, 403])
  })
})

describe('grants', () => {
  test('in headers are read back, and allow the named owners', async () => {
    await send('alice', 'PUT', '/k', {
      headers: {
        'x-amz-grant-read': `id="bob", uri="${group('AuthenticatedUsers')}"`,
        'x-amz-grant-write-acp': 'id=bob',
      },
    })
    expect(await statuses('GET', '/k')).toEqual([200, 200, 403, 403])
    expect(grantsOf((await send('alice', 'GET', '/k', { query: 'acl' })).text)).toEqual([
      'bob READ',
      'AuthenticatedUsers READ',
      'bob WRITE_ACP',
    ])
    expect((await send('bob', 'GET', '/k', { query: 'acl' })).status).toBe(403)
    expect((await send('bob', 'PUT', '/k', { query: 'acl', headers: { 'x-amz-acl': 'public-read' } })).status).toBe(200)
    expect(await statuses('GET', '/k')).toEqual([200, 200, 200, 200])
  })

  test('in a document are read back, for a bucket and for an object', async () => {
    const body = document(
      grant('<ID>alice</ID>', 'FULL_CONTROL') +
        grant('<ID>bob</ID>', 'WRITE') +
        grant(`<URI>${group('AllUsers')}</URI>`, 'READ_ACP'),
    )
    await send('alice', 'PUT', '/k')
    for (const path of ['', '/k']) {
      expect((await send('alice', 'PUT', path, { query: 'acl', body })).status).toBe(200)
      const shown = await send('anyone', 'GET', path, { query: 'acl' })
      expect(grantsOf(shown.text)).toEqual(['alice FULL_CONTROL', 'bob WRITE', 'AllUsers READ_ACP'])
    }
    expect((await statuses('PUT', '/new')).slice(0, 2)).toEqual([200, 200])
    expect((await statuses('PUT', '/new')).slice(2)).toEqual([403, 403])
    expect(await statuses('GET', '')).toEqual([200, 403, 403, 403])
  })

  test('FULL_CONTROL of an object includes every permission', async () => {
    await send('alice', 'PUT', '/k', { headers: { 'x-amz-grant-full-control': 'id=bob' } })
    expect((await send('bob', 'GET', '/k')).status).toBe(200)
    expect((await send('bob', 'GET', '/k', { query: 'acl' })).status).toBe(200)
    expect((await send('bob', 'GET', '/k', { query: 'tagging' })).status).toBe(403)
    expect((await send('bob', 'DELETE', '/k')).status).toBe(403)
  })

  test.each([
    ['a canned ACL with them', { 'x-amz-acl': 'private', 'x-amz-grant-read': 'id=bob' }, 400, 'InvalidRequest'],
    [
      'an unknown group',
      { 'x-amz-grant-read': 'uri="http://acs.amazonaws.com/groups/global/Nobody"' },
      400,
      'InvalidArgument',
    ],
    ['an address', { 'x-amz-grant-read': 'emailAddress="a@example.com"' }, 400, 'UnresolvableGrantByEmailAddress'],
    ['no grantee', { 'x-amz-grant-read': 'bob' }, 400, 'InvalidArgument'],
    ['an empty name', { 'x-amz-grant-read': 'id=""' }, 400, 'InvalidArgument'],
  ])('with %s are rejected', async (_, headers, status, code) => {
    const before = await endpoint.state()
    expect(await send('alice', 'PUT', '/k', { headers: headers as Record<string, string> })).toMatchObject({
      status,
      code,
    })
    expect(await endpoint.state()).toEqual(before)
  })

  test.each([
    ['another owner', document(grant('<ID>bob</ID>', 'READ'), 'bob'), 403, 'AccessDenied'],
    ['an unknown permission', document(grant('<ID>bob</ID>', 'TAKE')), 400, 'MalformedACLError'],
    ['no grantee', document(grant('', 'READ')), 400, 'MalformedACLError'],
    ['too many grants', document(grant('<ID>bob</ID>', 'READ').repeat(101)), 400, 'MalformedACLError'],
    ['no list', '<AccessControlPolicy/>', 400, 'MalformedXML'],
  ])('a document with %s is rejected', async (_, body, status, code) => {
    await send('alice', 'PUT', '/k')
    expect(await send('alice', 'PUT', '/k', { query: 'acl', body })).toMatchObject({ status, code })
    expect(await statuses('GET', '/k')).toEqual([200, 403, 403, 403])
  })
})

describe('objects of other writers', () => {
  beforeEach(async () => {
    await send('alice', 'PUT', '', { query: 'acl', headers: { 'x-amz-acl': 'public-read-write' } })
  })

  test('belong to the writer, who sets their ACL, and the owner of the bucket has every right', async () => {
    await send('bob', 'PUT', '/k')
    expect(await statuses('GET', '/k')).toEqual([200, 200, 403, 403])
    const shown = await send('bob', 'GET', '/k', { query: 'acl' })
    expect([element({ text: shown.text } as never, 'ID'), grantsOf(shown.text)]).toEqual(['bob', ['bob FULL_CONTROL']])
    await send('bob', 'PUT', '/k', { query: 'acl', headers: { 'x-amz-acl': 'bucket-owner-read' } })
    expect(grantsOf((await send('alice', 'GET', '/k', { query: 'acl' })).text)).toEqual([
      'bob FULL_CONTROL',
      'alice READ',
    ])
    await send('bob', 'PUT', '/k', { query: 'acl', headers: { 'x-amz-acl': 'public-read' } })
    expect(await statuses('GET', '/k')).toEqual([200, 200, 200, 200])
    // Lists name the owner of the bucket.
    expect(/<Owner><ID>(.*?)</.exec((await send('alice', 'GET', '')).text)?.[1]).toBe('alice')
    expect((await send('alice', 'DELETE', '/k')).status).toBe(204)
  })

  test('without a signature belong to the owner of the bucket', async () => {
    await send('anyone', 'PUT', '/k')
    expect(grantsOf((await send('alice', 'GET', '/k', { query: 'acl' })).text)).toEqual(['alice FULL_CONTROL'])
    expect((await statuses('GET', '/k')).slice(1)).toEqual([403, 403, 403])
  })

  test('in parts and by copy belong to the writer too', async () => {
    await send('bob', 'PUT', '/source')
    const copied = await send('bob', 'PUT', '/copy', {
      headers: { 'x-amz-copy-source': `/${bucket}/source` },
      body: '',
    })
    expect(copied.status).toBe(200)
    const begun = await send('bob', 'POST', '/parts', { query: 'uploads' })
    const uploadId = /<UploadId>(.*?)</.exec(begun.text)![1]!
    const part = await endpoint.signed('bob', 'PUT', `/${bucket}/parts`, {
      query: { uploadId, partNumber: '1' },
      body: 'x',
    })
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.get('etag')}</ETag></Part></CompleteMultipartUpload>`
    expect((await endpoint.signed('bob', 'POST', `/${bucket}/parts`, { query: { uploadId }, body })).status).toBe(200)
    for (const path of ['/copy', '/parts']) {
      expect(grantsOf((await send('bob', 'GET', path, { query: 'acl' })).text)).toEqual(['bob FULL_CONTROL'])
    }
  })

  test.each([
    ['ObjectWriter', {}, 'bob'],
    ['ObjectWriter', { 'x-amz-acl': 'bucket-owner-full-control' }, 'bob'],
    ['BucketOwnerPreferred', {}, 'bob'],
    ['BucketOwnerPreferred', { 'x-amz-acl': 'bucket-owner-full-control' }, 'alice'],
  ] as const)('with %s and %j belong to the right owner: %s', async (ownership, headers, owner) => {
    await endpoint.store.configureBucket(bucket, { ownership })
    await send('bob', 'PUT', '/k', { headers })
    const shown = (await send('alice', 'GET', '/k', { query: 'acl' })).text
    expect(/<Owner><ID>(.*?)</.exec(shown)?.[1]).toBe(owner)
  })
})
