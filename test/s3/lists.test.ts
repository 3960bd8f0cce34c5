/** Lists of objects and versions, through the AWS SDK. */
import {
  CreateBucketCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { element } from './endpoint.ts'
import { client, endpoint, serveSdk } from './sdk.ts'

serveSdk()

describe('lists', () => {
  const keys = ['a/1', 'a/2', 'b', 'c d/z', 'c d/ü+&<', 'd']
  beforeAll(async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'lists' }))
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: 'lists', Key, Body: Key }))
  })

  test('version 2, page by page', async () => {
    const seen: (string | undefined)[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: 'lists', MaxKeys: 2, ContinuationToken, FetchOwner: true }),
      )
      seen.push(...(page.Contents ?? []).map(({ Key }) => Key))
      expect(page.Contents?.every(({ Owner }) => Owner?.ID === 'alice')).toBe(true)
      expect(page.KeyCount).toBe(2)
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken)
    expect(seen).toEqual(keys)
  })

  test('version 1, by markers over common prefixes, names encoded', async () => {
    const seen: (string | undefined)[] = []
    let Marker: string | undefined
    do {
      const page = await client.send(
        new ListObjectsCommand({ Bucket: 'lists', MaxKeys: 1, Delimiter: '/', Marker, EncodingType: 'url' }),
      )
      seen.push(
        ...(page.Contents ?? []).map(({ Key }) => Key),
        ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
      )
      Marker = page.NextMarker === undefined ? undefined : decodeURIComponent(page.NextMarker)
    } while (Marker)
    expect(seen).toEqual(['a/', 'b', 'c%20d/', 'd'])
    const plain = await client.send(new ListObjectsCommand({ Bucket: 'lists', Prefix: 'c d/' }))
    expect(plain.Contents?.map(({ Key }) => Key)).toEqual(['c d/z', 'c d/ü+&<'])
  })

  test('versions', async () => {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: 'lists', MaxKeys: 4 }))
    expect(page.Versions?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest])).toEqual(
      keys.slice(0, 4).map((key) => [key, 'null', true]),
    )
    const rest = await client.send(
      new ListObjectVersionsCommand({
        Bucket: 'lists',
        KeyMarker: page.NextKeyMarker,
        VersionIdMarker: page.NextVersionIdMarker,
      }),
    )
    expect(rest.Versions).toHaveLength(2)
  })

  test.each([
    ['max-keys', 'blah'],
    ['max-keys', '-1'],
    ['encoding-type', 'base64'],
    ['continuation-token', 'rubbish'],
  ])('%s=%s is refused', async (name, value) => {
    const answer = await endpoint.signed('alice', 'GET', '/lists', { query: { 'list-type': '2', [name]: value } })
    expect([answer.status, element(answer, 'Code')]).toEqual([400, 'InvalidArgument'])
  })

  test('no keys at all', async () => {
    const page = await client.send(new ListObjectsV2Command({ Bucket: 'lists', MaxKeys: 0 }))
    expect([page.KeyCount, page.IsTruncated]).toEqual([0, false])
  })
})
