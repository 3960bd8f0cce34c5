/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** What this endpoint does not have is refused by name, and never taken for something else. */
import { describe, expect, test } from 'vitest'
import { bucket, endpoint, put, refused, serveAlice } from './alice.ts'

serveAlice()

describe('unsupported features', () => {
  test.each([
    ['PUT', '/alice-1', 'website'],
    ['PUT', '/alice-1', 'replication'],
    ['PUT', '/alice-1', 'inventory'],
    ['PUT', '/alice-3', 'encryption'],
    ['POST', '/alice-1/there', 'restore'],
    ['PUT', '/alice-1/new', 'uploadId'],
    ['PUT', '/alice-1/new', 'partNumber'],
    ['DELETE', '/alice-1/there', 'uploads'],
  ])('%s %s?%s', async (method, path, name) => {
    const answer = await refused(
      () => endpoint.signed('alice', method, path, { query: { [name]: '' } }),
      501,
      'NotImplemented',
    )
    expect(answer.text).toContain(name)
  })

  test.each([
    { 'x-amz-server-side-encryption': 'AES256' },
    { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
    { 'x-amz-website-redirect-location': '/a' },
    { 'x-amz-grant-take': 'id=bob' },
    { 'x-amz-acl': 'aws-exec-read' },
  ])('%j', async (headers) => {
    await refused(() => put({ headers: headers as Record<string, string> }), 501, 'NotImplemented')
  })

  test('unknown methods, storage classes and ACLs', async () => {
    await refused(() => endpoint.signed('alice', 'PATCH', `/${bucket}/there`), 405, 'MethodNotAllowed')
    await refused(() => endpoint.signed('alice', 'POST', `/${bucket}/there`), 405, 'MethodNotAllowed')
    await refused(() => put({ headers: { 'x-amz-storage-class': 'GLACIER' } }), 400, 'InvalidStorageClass')
    await refused(() => put({ headers: { 'x-amz-acl': 'rubbish' } }), 400, 'InvalidArgument')
  })

  test.each([
    ['/', 'GET, OPTIONS'],
    [`/${bucket}`, 'PUT, GET, DELETE, HEAD, POST, OPTIONS'],
    [`/${bucket}/there`, 'GET, POST, DELETE, PUT, HEAD, OPTIONS'],
  ])('a rejected method on %s is answered with the supported methods', async (path, allowed) => {
    for (const method of ['PATCH', 'TRACE']) {
      const { status, headers } = await endpoint.signed('alice', method, path)
      expect([status, headers.get('allow')]).toEqual([405, allowed])
    }
  })

  test('metadata and tags over their limits', async () => {
    await refused(() => put({ headers: { 'x-amz-meta-a': 'b'.repeat(2048) } }), 400, 'MetadataTooLarge')
    const tags = Array.from({ length: 11 }, (_, i) => `k${i}=v`).join('&')
    await refused(() => put({ headers: { 'x-amz-tagging': tags } }), 400, 'InvalidTag')
    await refused(() => put({ headers: { 'x-amz-tagging': 'a=1&a=2' } }), 400, 'InvalidTag')
  })
})
