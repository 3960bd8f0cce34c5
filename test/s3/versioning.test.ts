/** Versions over HTTP, through the AWS SDK: their effect on every response. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type BucketVersioningStatus,
} from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import { element } from './endpoint.ts'
import { client, endpoint, failing, serveSdk } from './sdk.ts'

serveSdk()

let Bucket: string
let made = 0
const Key = 'photo'

beforeEach(async () => {
  Bucket = `versioned-${++made}`
  await client.send(new CreateBucketCommand({ Bucket }))
  await setVersioning('Enabled')
})

const setVersioning = (Status: BucketVersioningStatus): Promise<unknown> =>
  client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))
const put = async (Body: string, more: object = {}): Promise<string> =>
  (await client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))).VersionId!
const get = async (VersionId?: string): Promise<string> =>
  (await client.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body!.transformToString()
const remove = (VersionId?: string) => client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
const list = (more: object = {}) => client.send(new ListObjectVersionsCommand({ Bucket, ...more }))

describe('the configuration', () => {
  test('is empty at first, and then as set', async () => {
    const read = async (name: string): Promise<unknown> =>
      (await client.send(new GetBucketVersioningCommand({ Bucket: name }))).Status
    await client.send(new CreateBucketCommand({ Bucket: `${Bucket}-plain` }))
    expect(await read(`${Bucket}-plain`)).toBeUndefined()
    expect(await read(Bucket)).toBe('Enabled')
    await setVersioning('Suspended')
    expect(await read(Bucket)).toBe('Suspended')
  })

  test.each([
    ['<VersioningConfiguration/>', 400, 'IllegalVersioningConfigurationException'],
    ['<VersioningConfiguration><Status>Off</Status></VersioningConfiguration>', 400, 'MalformedXML'],
    ['<Versioning/>', 400, 'MalformedXML'],
    [
      '<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>',
      501,
      'NotImplemented',
    ],
  ])('%s is refused', async (body, status, code) => {
    const answer = await endpoint.signed('alice', 'PUT', `/${Bucket}`, { query: { versioning: '' }, body })
    expect([answer.status, element(answer, 'Code')]).toEqual([status, code])
  })

  test("can be set only by the owner, and not in the gateway's bucket", async () => {
    const body = '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>'
    const send = async (who: 'alice' | 'bob' | 'gateway', bucket: string): Promise<number> =>
      (await endpoint.signed(who, 'PUT', `/${bucket}`, { query: { versioning: '' }, body })).status
    expect(await send('bob', Bucket)).toBe(403)
    expect(await send('gateway', 'postern')).toBe(403)
    expect((await endpoint.store.headBucket('postern')).configuration).toEqual({})
    expect((await endpoint.store.headBucket(Bucket)).configuration).toEqual({ versioning: 'Enabled' })
  })
})

describe('a write', () => {
  test('creates a version, and returns its id', async () => {
    const first = await put('one')
    const second = await put('two')
    expect(first).not.toBe(second)
    expect([await get(), await get(first), await get(second)]).toEqual(['two', 'one', 'two'])
    const head = await client.send(new HeadObjectCommand({ Bucket, Key, VersionId: first }))
    expect([head.VersionId, head.ContentLength]).toEqual([first, 3])
    expect((await client.send(new GetObjectCommand({ Bucket, Key }))).VersionId).toBe(second)
  })

  test('in parts or by copy also creates a version', async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const part = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'parts' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
    const joined = await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
    await put('later')
    expect(await get(joined.VersionId)).toBe('parts')
    const CopySource = `${Bucket}/${Key}?versionId=${joined.VersionId}`
    const restored = await client.send(new CopyObjectCommand({ Bucket, Key, CopySource }))
    expect(restored.CopySourceVersionId).toBe(joined.VersionId)
    expect([await get(), restored.VersionId === joined.VersionId]).toEqual(['parts', false])
    const plain = await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${Key}` }))
    expect(plain.CopySourceVersionId).toBe(restored.VersionId)
  })

  test('with a condition compares with the current version, which a delete marker is not', async () => {
    await put('one')
    await expect(put('two', { IfNoneMatch: '*' })).rejects.toMatchObject(failing('PreconditionFailed', 412))
    await remove()
    await expect(put('two', { IfMatch: '"x"' })).rejects.toMatchObject(failing('NoSuchKey', 404))
    const second = await put('two', { IfNoneMatch: '*' })
    expect(await get()).toBe('two')
    expect((await list()).Versions?.[0]?.VersionId).toBe(second)
  })
})

describe('a delete', () => {
  test('without a version id hides the object, and of the marker restores it', async () => {
    const version = await put('one')
    const marker = await remove()
    expect([marker.DeleteMarker, marker.VersionId === version]).toEqual([true, false])
    await expect(get()).rejects.toMatchObject(failing('NoSuchKey', 404))
    expect((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0)
    expect(await get(version)).toBe('one')
    const removed = await remove(marker.VersionId)
    expect([removed.DeleteMarker, removed.VersionId]).toEqual([true, marker.VersionId])
    expect(await get()).toBe('one')
  })

  test('of the current version makes the one before it current', async () => {
    const first = await put('one')
    const second = await put('two')
    const removed = await remove(second)
    expect([removed.DeleteMarker, removed.VersionId]).toEqual([undefined, second])
    expect(await get()).toBe('one')
    await expect(get(second)).rejects.toMatchObject(failing('NoSuchVersion', 404))
    await remove(first)
    expect(await list()).not.toHaveProperty('Versions')
    await client.send(new DeleteBucketCommand({ Bucket }))
  })

  test('of a key without an object also creates a marker', async () => {
    await remove()
    const { DeleteMarkers, Versions } = await list()
    expect([DeleteMarkers?.length, DeleteMarkers?.[0]?.IsLatest, Versions]).toEqual([1, true, undefined])
  })

  test('with a condition compares the current version', async () => {
    const first = await put('one')
    await put('two')
    const { ETag } = await client.send(new HeadObjectCommand({ Bucket, Key, VersionId: first }))
    const conditional = new DeleteObjectCommand({ Bucket, Key, IfMatch: ETag })
    await expect(client.send(conditional)).rejects.toMatchObject(failing('PreconditionFailed', 412))
    expect((await list()).DeleteMarkers).toBeUndefined()
    await client.send(new DeleteObjectCommand({ Bucket, Key, IfMatch: '*' }))
    expect((await list()).DeleteMarkers).toHaveLength(1)
  })

  test('of many keys reports each created or deleted version', async () => {
    const version = await put('one')
    const marker = (await client.send(new DeleteObjectCommand({ Bucket, Key: 'other' }))).VersionId!
    const Objects = [
      { Key, VersionId: version },
      { Key: 'other', VersionId: marker },
      { Key: 'third' },
      { Key: 'fourth', VersionId: 'x' },
    ]
    const { Deleted, Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(Deleted).toEqual([
      { Key, VersionId: version },
      { Key: 'other', VersionId: marker, DeleteMarker: true, DeleteMarkerVersionId: marker },
      { Key: 'third', DeleteMarker: true, DeleteMarkerVersionId: expect.any(String) },
    ])
    expect(Errors).toMatchObject([{ Key: 'fourth', VersionId: 'x', Code: 'NoSuchVersion' }])
    expect((await list()).DeleteMarkers?.map((one) => one.Key)).toEqual(['third'])
  })
})

describe('a delete marker', () => {
  test('makes a read of the key 404, and a read of the marker 405', async () => {
    await put('one')
    const { VersionId } = await remove()
    for (const method of ['GET', 'HEAD']) {
      const hidden = await endpoint.signed('alice', method, `/${Bucket}/${Key}`)
      expect(hidden.status).toBe(404)
      expect(hidden.headers.get('x-amz-delete-marker')).toBe('true')
      expect(hidden.headers.get('x-amz-version-id')).toBe(VersionId)
      const itself = await endpoint.signed('alice', method, `/${Bucket}/${Key}`, { query: { versionId: VersionId! } })
      expect(itself.status).toBe(405)
      expect(itself.headers.get('x-amz-delete-marker')).toBe('true')
      expect(itself.headers.get('allow')).toBe('DELETE')
      expect(Date.parse(itself.headers.get('last-modified') ?? '')).not.toBeNaN()
    }
  })

  test('has no tags and no ACL, and cannot be copied', async () => {
    await put('one')
    const { VersionId } = await remove()
    const no = failing('MethodNotAllowed', 405)
    await expect(client.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }))).rejects.toMatchObject(no)
    await expect(client.send(new GetObjectAclCommand({ Bucket, Key, VersionId }))).rejects.toMatchObject(no)
    const copy = (CopySource: string) => client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }))
    await expect(copy(`${Bucket}/${Key}`)).rejects.toMatchObject(failing('NoSuchKey', 404))
    await expect(copy(`${Bucket}/${Key}?versionId=${VersionId}`)).rejects.toMatchObject(failing('InvalidRequest', 400))
  })
})

describe('in a bucket whose versioning is suspended', () => {
  test('a write replaces only the version null', async () => {
    const first = await put('one')
    await setVersioning('Suspended')
    expect(await put('two')).toBeUndefined()
    expect(await put('three')).toBeUndefined()
    const { Versions } = await list()
    expect(Versions?.map((one) => [one.VersionId, one.IsLatest])).toEqual([
      ['null', true],
      [first, false],
    ])
    expect([await get('null'), await get(first)]).toEqual(['three', 'one'])
    expect((await client.send(new HeadObjectCommand({ Bucket, Key }))).VersionId).toBe('null')
  })

  test('a delete leaves the marker null in place of the version null', async () => {
    const first = await put('one')
    await setVersioning('Suspended')
    await put('two')
    const marker = await remove()
    expect([marker.DeleteMarker, marker.VersionId]).toEqual([true, 'null'])
    await remove()
    const { Versions, DeleteMarkers } = await list()
    expect(DeleteMarkers?.map((one) => one.VersionId)).toEqual(['null'])
    expect(Versions?.map((one) => one.VersionId)).toEqual([first])
    await remove('null')
    expect(await get()).toBe('one')
  })

  test.each(['an object above it', 'a delete marker above it'])(
    'the noncurrent version null can be copied onto its own key, with %s',
    async (above) => {
      const part = 'p'.repeat(5 * 2 ** 20)
      for (const key of ['single', 'multipart']) {
        const bucket = `${Bucket}-${key}-${above.length}`
        const at = { Bucket: bucket, Key: 'k' }
        await client.send(new CreateBucketCommand({ Bucket: bucket }))
        if (key === 'single') await client.send(new PutObjectCommand({ ...at, Body: part }))
        else {
          const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
          const sent = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: part }))
          const Parts = [{ PartNumber: 1, ETag: sent.ETag }]
          await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }))
        }
        const set = (Status: BucketVersioningStatus): Promise<unknown> =>
          client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }))
        await set('Enabled')
        if (above.startsWith('an object')) await client.send(new PutObjectCommand({ ...at, Body: 'newer' }))
        else await client.send(new DeleteObjectCommand(at))
        await set('Suspended')
        await client.send(new CopyObjectCommand({ ...at, CopySource: `${bucket}/k?versionId=null` }))
        await endpoint.store.sweep()
        const { Body } = await client.send(new GetObjectCommand(at))
        expect(await Body!.transformToString()).toBe(part)
      }
    },
  )

  test('enabled again, the version null is kept like any other', async () => {
    await setVersioning('Suspended')
    await put('zero')
    await setVersioning('Enabled')
    await put('one')
    expect([await get('null'), await get()]).toEqual(['zero', 'one'])
  })
})

describe('a list of versions', () => {
  test('contains markers and versions of a key, newest first', async () => {
    const first = await put('one')
    const marker = (await remove()).VersionId
    const second = await put('two')
    const answer = await endpoint.signed('alice', 'GET', `/${Bucket}`, { query: { versions: '' } })
    const order = [...answer.text.matchAll(/<(Version|DeleteMarker)>.*?<VersionId>(.*?)<.*?<IsLatest>(.*?)</g)]
    expect(order.map(([, ...what]) => what)).toEqual([
      ['Version', second, 'true'],
      ['DeleteMarker', marker, 'false'],
      ['Version', first, 'false'],
    ])
  })

  test('is paged by key and version', async () => {
    const ids = [await put('1'), await put('2'), await put('3')].toReversed()
    const seen: (string | undefined)[] = []
    let at: object = {}
    for (;;) {
      const page = await list({ MaxKeys: 1, ...at })
      seen.push(...(page.Versions ?? []).map((one) => one.VersionId))
      if (!page.IsTruncated) break
      at = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
    }
    expect(seen).toEqual(ids)
    expect((await list({ KeyMarker: Key })).Versions).toBeUndefined()
    await expect(list({ VersionIdMarker: ids[0] })).rejects.toMatchObject(failing('InvalidArgument', 400))
  })
})

describe('what belongs to one version', () => {
  test('tags', async () => {
    const first = await put('one', { Tagging: 'of=first' })
    const second = await put('two')
    const read = async (VersionId?: string) => client.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }))
    expect(await read(first)).toMatchObject({ VersionId: first, TagSet: [{ Key: 'of', Value: 'first' }] })
    expect(await read()).toMatchObject({ VersionId: second, TagSet: [] })
    const Tagging = { TagSet: [{ Key: 'set', Value: 'later' }] }
    const set = await client.send(new PutObjectTaggingCommand({ Bucket, Key, VersionId: first, Tagging }))
    expect(set.VersionId).toBe(first)
    expect((await read(first)).TagSet).toEqual(Tagging.TagSet)
    await client.send(new DeleteObjectTaggingCommand({ Bucket, Key, VersionId: first }))
    expect((await read(first)).TagSet).toEqual([])
  })

  test('the ACL, which opens only that version', async () => {
    const first = await put('one')
    const second = await put('two')
    await client.send(new PutObjectAclCommand({ Bucket, Key, VersionId: first, ACL: 'public-read' }))
    const anyone = async (version: string): Promise<number> =>
      (await endpoint.raw('GET', `/${Bucket}/${Key}?versionId=${version}`)).status
    expect([await anyone(first), await anyone(second)]).toEqual([200, 403])
    expect((await endpoint.raw('GET', `/${Bucket}/${Key}`)).status).toBe(403)
  })

  test('attributes, and the source of a part', async () => {
    const first = await put('one')
    await put('longer')
    const facts = await client.send(
      new GetObjectAttributesCommand({ Bucket, Key, VersionId: first, ObjectAttributes: ['ObjectSize'] }),
    )
    expect([facts.ObjectSize, facts.VersionId]).toEqual([3, first])
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const CopySource = `${Bucket}/${Key}?versionId=${first}`
    const part = await client.send(new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 1, CopySource }))
    expect([part.CopySourceVersionId, part.CopyPartResult?.ETag]).toEqual([first, `"f97c5d29941bfb1b2fdab0874906ab82"`])
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
  })
})

describe('a bucket policy', () => {
  test('allows and denies versions by separate actions', async () => {
    const first = await put('one')
    const second = await put('two')
    const statement = (Effect: string, Action: string, Principal: unknown) => ({
      Effect,
      Principal,
      Action,
      Resource: `arn:aws:s3:::${Bucket}/*`,
    })
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        statement('Allow', 's3:GetObjectVersion', '*'),
        statement('Deny', 's3:DeleteObjectVersion', { AWS: 'alice' }),
      ],
    })
    await client.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    const anyone = async (query: string): Promise<number> =>
      (await endpoint.raw('GET', `/${Bucket}/${Key}${query}`)).status
    expect([await anyone(`?versionId=${first}`), await anyone('')]).toEqual([200, 403])
    await expect(remove(first)).rejects.toMatchObject(failing('AccessDenied', 403))
    const Objects = [{ Key, VersionId: first }, { Key }]
    const { Errors, Deleted } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(Errors).toMatchObject([{ Key, VersionId: first, Code: 'AccessDenied' }])
    expect(Deleted).toMatchObject([{ Key, DeleteMarker: true }])
    expect([await get(first), await get(second)]).toEqual(['one', 'two'])
  })
})
