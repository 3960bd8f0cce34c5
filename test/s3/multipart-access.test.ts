/** Multipart uploads in a bucket of another owner: whom the initiator, ACLs and policies let continue one. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { element, startEndpoint, type Endpoint } from './endpoint.ts'

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

type Who = 'alice' | 'bob' | 'anyone'
type Sent = { query?: Record<string, string>; headers?: Record<string, string>; body?: string }

async function send(who: Who, method: string, o: Sent = {}, key = 'k'): ReturnType<Endpoint['raw']> {
  const { body = '', headers = {}, query = {} } = o
  const target = `/${bucket}/${key}`
  if (who !== 'anyone') return endpoint.signed(who, method, target, { body, headers, query })
  const length = method === 'PUT' || method === 'POST' ? { 'content-length': String(body.length) } : {}
  return endpoint.raw(method, `${target}?${new URLSearchParams(query).toString()}`, { ...headers, ...length }, body)
}
const status = async (...sent: Parameters<typeof send>): Promise<number> => (await send(...sent)).status

async function begin(who: Who, headers: Record<string, string> = {}): Promise<string> {
  const answer = await send(who, 'POST', { query: { uploads: '' }, headers })
  expect(answer.status).toBe(200)
  return element(answer, 'UploadId')!
}
const part = (who: Who, uploadId: string, o: Sent = {}): Promise<number> =>
  status(who, 'PUT', { body: 'part', ...o, query: { partNumber: '1', uploadId } })
const etag = 'f4c9385f1902f7334b00b9b4ecd164de'
const complete = (who: Who, uploadId: string, headers: Record<string, string> = {}): Promise<number> =>
  status(who, 'POST', {
    query: { uploadId },
    headers,
    body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`,
  })
const list = (who: Who, uploadId: string): Promise<number> => status(who, 'GET', { query: { uploadId } })
const abort = (who: Who, uploadId: string): Promise<number> => status(who, 'DELETE', { query: { uploadId } })

type Statement = Record<string, unknown>
const allow = (more: Statement = {}): Statement => ({
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:PutObject',
  Resource: `arn:aws:s3:::${bucket}/*`,
  ...more,
})
const deny = (more: Statement): Statement => ({ ...allow(more), Effect: 'Deny' })
const policy = (...Statement: Statement[]): Promise<void> =>
  endpoint.store.configureBucket(bucket, { policy: JSON.stringify({ Statement }) })

describe('an upload', () => {
  test('can be continued, listed, aborted and completed by its initiator with the ACL’s write permission', async () => {
    await endpoint.store.setBucketAcl(bucket, {
      owner: 'alice',
      grants: [{ to: { owner: 'bob' }, permission: 'WRITE' }],
    })
    const uploadId = await begin('bob')
    expect([await part('bob', uploadId), await list('bob', uploadId)]).toEqual([200, 200])
    expect(element(await send('bob', 'GET', { query: { uploadId } }), 'ID')).toBe('bob')
    expect(await complete('bob', uploadId)).toBe(200)
    // A repeated completion finds what the first one did.
    expect(await complete('bob', uploadId)).toBe(200)
    expect(await abort('bob', await begin('bob'))).toBe(204)
  })

  test('of another user cannot be continued with only the ACL’s write permission', async () => {
    await endpoint.store.setBucketAcl(bucket, 'public-read-write')
    for (const initiator of ['alice', 'bob'] as const) {
      const uploadId = await begin(initiator)
      expect(await part(initiator, uploadId)).toBe(200)
      const others = (['alice', 'bob', 'anyone'] as const).filter((who) => who !== initiator && who !== 'alice')
      for (const who of others) {
        expect([await part(who, uploadId), await complete(who, uploadId)]).toEqual([403, 403])
        expect([await list(who, uploadId), await abort(who, uploadId)]).toEqual([403, 403])
        const copied = { 'x-amz-copy-source': `/${bucket}/k` }
        expect(await status(who, 'PUT', { query: { partNumber: '2', uploadId }, headers: copied })).toBe(403)
      }
      expect([await part('alice', uploadId), await list('alice', uploadId)]).toEqual([200, 200])
      expect(await complete('alice', uploadId)).toBe(200)
    }
  })

  test('of another user can be continued by users that a policy allows to write', async () => {
    await policy(allow())
    const uploadId = await begin('alice')
    expect([await part('bob', uploadId), await list('bob', uploadId), await abort('bob', uploadId)]).toEqual([
      200, 403, 403,
    ])
    expect(await complete('bob', uploadId)).toBe(200)
    await policy(allow({ Action: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'] }))
    const second = await begin('alice')
    expect([await list('bob', second), await abort('bob', second)]).toEqual([200, 204])
  })

  test('cannot be listed or aborted by its initiator if a policy denies it', async () => {
    await policy(allow(), deny({ Action: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'] }))
    const uploadId = await begin('bob')
    expect([await list('bob', uploadId), await abort('bob', uploadId)]).toEqual([403, 403])
  })

  test('can be aborted by its initiator without write permission', async () => {
    await policy(allow())
    const uploadId = await begin('bob')
    await endpoint.store.configureBucket(bucket, { policy: null })
    expect([await part('bob', uploadId), await list('bob', uploadId), await abort('bob', uploadId)]).toEqual([
      403, 200, 204,
    ])
  })

  test('that no longer exists is NoSuchUpload for users with write permission, and AccessDenied for others', async () => {
    await endpoint.store.setBucketAcl(bucket, {
      owner: 'alice',
      grants: [{ to: { owner: 'bob' }, permission: 'WRITE' }],
    })
    const uploadId = await begin('bob')
    await abort('bob', uploadId)
    expect([await part('bob', uploadId), await part('anyone', uploadId)]).toEqual([404, 403])
  })

  test('names its initiator in the list of uploads', async () => {
    await policy(allow())
    await begin('bob')
    const answer = await endpoint.signed('alice', 'GET', `/${bucket}`, { query: { uploads: '' } })
    expect(answer.text).toMatch(/<Initiator><ID>bob<\/ID>.*<Owner><ID>alice<\/ID>/)
  })
})

describe('a policy with conditions on what is written', () => {
  const Action = ['s3:PutObject', 's3:PutObjectAcl', 's3:PutObjectTagging']

  test('sees the ACL and the storage class of the upload in every request of it', async () => {
    const Condition = {
      StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control', 's3:x-amz-storage-class': 'STANDARD_IA' },
    }
    await policy(allow({ Action, Condition }))
    const headers = { 'x-amz-acl': 'bucket-owner-full-control', 'x-amz-storage-class': 'STANDARD_IA' }
    expect(await status('bob', 'POST', { query: { uploads: '' } })).toBe(403)
    const uploadId = await begin('bob', headers)
    expect([await part('bob', uploadId), await complete('bob', uploadId)]).toEqual([200, 200])
  })

  test('does not see headers that only look like those of the upload', async () => {
    await policy(allow({ Action }))
    const uploadId = await begin('bob')
    await policy(allow({ Action, Condition: { StringEquals: { 's3:x-amz-acl': 'private' } } }))
    const headers = { 'x-amz-acl': 'private' }
    expect([await part('bob', uploadId, { headers }), await complete('bob', uploadId, headers)]).toEqual([403, 403])
  })

  test('sees the tags of the upload in every request of it', async () => {
    await policy(allow({ Action, Condition: { StringEquals: { 's3:RequestObjectTag/team': 'a' } } }))
    const uploadId = await begin('bob', { 'x-amz-tagging': 'team=a' })
    expect([await part('bob', uploadId), await complete('bob', uploadId)]).toEqual([200, 200])
    await policy(
      allow({ Action }),
      deny({ Action: 's3:PutObject', Condition: { StringEquals: { 's3:RequestObjectTag/team': 'b' } } }),
    )
    expect(await status('bob', 'POST', { query: { uploads: '' }, headers: { 'x-amz-tagging': 'team=b' } })).toBe(403)
  })
})
