/** Object lock over the wire: who may remove a version, change its retention, and what the answers say. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
  type DefaultRetention,
  type ObjectLockLegalHoldStatus,
  type ObjectLockRetention,
} from '@aws-sdk/client-s3'
import { hash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { element } from './endpoint.ts'
import { client, endpoint, failing, serveSdk } from './sdk.ts'

serveSdk()

const Key = 'contract'
const until = new Date('2099-01-01T00:00:00Z')
const later = new Date('2099-06-01T00:00:00Z')
const refused = failing('AccessDenied', 403)
let Bucket: string
let plain: string
let made = 0

beforeEach(async () => {
  Bucket = `locked-${++made}`
  plain = `${Bucket}-plain`
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  await client.send(new CreateBucketCommand({ Bucket: plain }))
})

const put = async (o: object = {}): Promise<string> =>
  (await client.send(new PutObjectCommand({ Bucket, Key, Body: 'text', ...o }))).VersionId!
const remove = (VersionId: string, BypassGovernanceRetention?: boolean): Promise<unknown> =>
  client.send(new DeleteObjectCommand({ Bucket, Key, VersionId, BypassGovernanceRetention }))
const retain = (VersionId: string | undefined, Retention: ObjectLockRetention, o: object = {}): Promise<unknown> =>
  client.send(new PutObjectRetentionCommand({ Bucket, Key, VersionId, Retention, ...o }))
const hold = (Status: ObjectLockLegalHoldStatus, o: object = {}): Promise<unknown> =>
  client.send(new PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status }, ...o }))
const setDefault = (retention?: DefaultRetention): Promise<unknown> =>
  client.send(
    new PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        ...(retention && { Rule: { DefaultRetention: retention } }),
      },
    }),
  )

describe('the configuration of a bucket', () => {
  test('is set when the bucket is created, and prevents suspending its versioning', async () => {
    const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket }))
    const { ObjectLockConfiguration } = await client.send(new GetObjectLockConfigurationCommand({ Bucket }))
    expect([Status, ObjectLockConfiguration]).toEqual(['Enabled', { ObjectLockEnabled: 'Enabled' }])
    const VersioningConfiguration = { Status: 'Suspended' } as const
    await expect(
      client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration })),
    ).rejects.toMatchObject(failing('InvalidBucketState', 409))
  })

  test('can be set only on a bucket with versioning', async () => {
    const configure = (): Promise<unknown> =>
      client.send(
        new PutObjectLockConfigurationCommand({
          Bucket: plain,
          ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' },
        }),
      )
    await expect(configure()).rejects.toMatchObject(failing('InvalidBucketState', 409))
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket: plain, VersioningConfiguration }))
    await configure()
    expect((await endpoint.store.headBucket(plain)).configuration.objectLock).toEqual({})
  })

  test.each([{ Mode: 'GOVERNANCE', Days: 1 } as const, { Mode: 'COMPLIANCE', Years: 2 } as const])(
    'returns the default retention that was set: %j',
    async (retention) => {
      await setDefault(retention)
      const read = await client.send(new GetObjectLockConfigurationCommand({ Bucket }))
      expect(read.ObjectLockConfiguration?.Rule?.DefaultRetention).toEqual(retention)
    },
  )

  const document = (retention: string, enabled = 'Enabled'): string =>
    `<ObjectLockConfiguration><ObjectLockEnabled>${enabled}</ObjectLockEnabled><Rule><DefaultRetention>${retention}</DefaultRetention></Rule></ObjectLockConfiguration>`
  test.each([
    [document('<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>'), 'MalformedXML'],
    [document('<Mode>GOVERNANCE</Mode>'), 'MalformedXML'],
    [document('<Mode>abc</Mode><Days>1</Days>'), 'MalformedXML'],
    [document('<Mode>GOVERNANCE</Mode><Days>1</Days>', 'Disabled'), 'MalformedXML'],
    [document('<Mode>GOVERNANCE</Mode><Days>0</Days>'), 'InvalidRetentionPeriod'],
    [document('<Mode>GOVERNANCE</Mode><Years>-1</Years>'), 'InvalidRetentionPeriod'],
  ])('%s is refused', async (body, code) => {
    const headers = { 'content-md5': hash('md5', body, 'base64') }
    const answer = await endpoint.signed('alice', 'PUT', `/${Bucket}`, { query: { 'object-lock': '' }, headers, body })
    expect([answer.status, element(answer, 'Code')]).toEqual([400, code])
  })
})

describe('a retention', () => {
  test('is set by a write, and returned only to the owner', async () => {
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: 'ON' }
    const VersionId = await put({ ...lock, ACL: 'public-read' })
    expect(await client.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject(lock)
    const { Retention } = await client.send(new GetObjectRetentionCommand({ Bucket, Key, VersionId }))
    expect(Retention).toEqual({ Mode: 'GOVERNANCE', RetainUntilDate: until })
    const anyone = await endpoint.raw('GET', `/${Bucket}/${Key}`)
    expect([anyone.status, anyone.headers.has('x-amz-object-lock-mode')]).toEqual([200, false])
  })

  test('in governance mode prevents deleting a version, except with the bypass', async () => {
    const version = await put({ ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until })
    await expect(remove(version)).rejects.toMatchObject(refused)
    const marker = await client.send(new DeleteObjectCommand({ Bucket, Key }))
    expect(marker.DeleteMarker).toBe(true)
    expect((await client.send(new GetObjectCommand({ Bucket, Key, VersionId: version }))).ContentLength).toBe(4)
    await remove(version, true)
    await expect(client.send(new HeadObjectCommand({ Bucket, Key, VersionId: version }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    })
  })

  test('in compliance mode can be extended but never shortened', async () => {
    const version = await put({ ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: until })
    await retain(version, { Mode: 'COMPLIANCE', RetainUntilDate: later })
    const bypass = { BypassGovernanceRetention: true }
    await expect(retain(version, { Mode: 'COMPLIANCE', RetainUntilDate: until }, bypass)).rejects.toMatchObject(refused)
    await expect(retain(version, { Mode: 'GOVERNANCE', RetainUntilDate: later }, bypass)).rejects.toMatchObject(refused)
    await expect(retain(version, {}, bypass)).rejects.toMatchObject(refused)
    await expect(remove(version, true)).rejects.toMatchObject(refused)
  })

  test('in governance mode can be extended, and shortened or changed only with the bypass', async () => {
    const version = await put()
    await retain(undefined, { Mode: 'GOVERNANCE', RetainUntilDate: until })
    await retain(version, { Mode: 'GOVERNANCE', RetainUntilDate: later })
    await expect(retain(version, { Mode: 'GOVERNANCE', RetainUntilDate: until })).rejects.toMatchObject(refused)
    await expect(retain(version, { Mode: 'COMPLIANCE', RetainUntilDate: later })).rejects.toMatchObject(refused)
    const bypass = { BypassGovernanceRetention: true }
    await retain(version, { Mode: 'GOVERNANCE', RetainUntilDate: until }, bypass)
    await retain(version, {}, bypass)
    await expect(client.send(new GetObjectRetentionCommand({ Bucket, Key }))).rejects.toMatchObject(
      failing('NoSuchObjectLockConfiguration', 404),
    )
    await remove(version)
  })

  test('by default is that of the bucket, for objects of parts and copies too', async () => {
    await setDefault({ Mode: 'GOVERNANCE', Days: 1 })
    await put()
    const days = ({ ObjectLockRetainUntilDate: end }: { ObjectLockRetainUntilDate?: Date | undefined }): number =>
      Math.round((end!.getTime() - Date.now()) / 86_400_000)
    expect(days(await client.send(new HeadObjectCommand({ Bucket, Key })))).toBe(1)
    await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${Key}` }))
    expect(days(await client.send(new HeadObjectCommand({ Bucket, Key: 'copy' })))).toBe(1)
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({
        Bucket,
        Key,
        ObjectLockMode: 'COMPLIANCE',
        ObjectLockRetainUntilDate: until,
        ContentType: 'text/plain',
      }),
    )
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
    expect(await client.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: until,
      ContentType: 'text/plain',
    })
  })

  test('prevents one deletion of many, and the others succeed', async () => {
    const locked = await put({ ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until })
    const free = await put()
    const Objects = [locked, free].map((VersionId) => ({ Key, VersionId }))
    const send = (BypassGovernanceRetention?: boolean) =>
      client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects }, BypassGovernanceRetention }))
    const { Deleted, Errors } = await send()
    expect(Deleted).toEqual([{ Key, VersionId: free }])
    expect(Errors).toMatchObject([{ Key, VersionId: locked, Code: 'AccessDenied' }])
    expect((await send(true)).Errors).toBeUndefined()
  })

  test.each([
    [{ 'x-amz-object-lock-mode': 'GOVERNANCE' }, 'InvalidArgument'],
    [{ 'x-amz-object-lock-retain-until-date': until.toISOString() }, 'InvalidArgument'],
    [
      { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': '2020-01-01T00:00:00Z' },
      'InvalidArgument',
    ],
    [{ 'x-amz-object-lock-legal-hold': 'yes' }, 'InvalidArgument'],
  ])('of the headers %j is refused', async (headers, code) => {
    const sent = headers as Record<string, string>
    const answer = await endpoint.signed('alice', 'PUT', `/${Bucket}/new`, { headers: sent, body: 'x' })
    expect([answer.status, element(answer, 'Code')]).toEqual([400, code])
    await expect(endpoint.store.headObject({ bucket: Bucket, key: 'new' })).rejects.toThrow(/not exist/)
  })
})

describe('a legal hold', () => {
  test('prevents deleting a version until it is removed, even with the bypass', async () => {
    const version = await put()
    await hold('ON')
    const read = async (): Promise<unknown> =>
      (await client.send(new GetObjectLegalHoldCommand({ Bucket, Key }))).LegalHold?.Status
    expect(await read()).toBe('ON')
    await expect(remove(version, true)).rejects.toMatchObject(refused)
    await hold('OFF')
    expect(await read()).toBe('OFF')
    await remove(version)
  })

  test('and a retention need a bucket with object lock', async () => {
    await client.send(new PutObjectCommand({ Bucket: plain, Key, Body: 'x' }))
    const no = failing('InvalidRequest', 400)
    const elsewhere = { Bucket: plain, Key }
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until } as const
    await expect(hold('ON', elsewhere)).rejects.toMatchObject(no)
    await expect(retain(undefined, { Mode: 'GOVERNANCE', RetainUntilDate: until }, elsewhere)).rejects.toMatchObject(no)
    await expect(client.send(new GetObjectLegalHoldCommand(elsewhere))).rejects.toMatchObject(no)
    await expect(client.send(new GetObjectRetentionCommand(elsewhere))).rejects.toMatchObject(no)
    await expect(client.send(new PutObjectCommand({ ...elsewhere, Body: 'y', ...lock }))).rejects.toMatchObject(no)
    await expect(client.send(new CreateMultipartUploadCommand({ ...elsewhere, ...lock }))).rejects.toMatchObject(no)
  })

  test('is not set in the bucket of the gateway', async () => {
    const headers = { 'x-amz-object-lock-legal-hold': 'ON' }
    const answer = await endpoint.signed('gateway', 'PUT', '/postern/uploads/x', { headers, body: 'x' })
    expect([answer.status, element(answer, 'Code')]).toEqual([501, 'NotImplemented'])
  })
})

test('no ACL lets others lock what they write', async () => {
  await client.send(
    new PutBucketOwnershipControlsCommand({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
    }),
  )
  await client.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read-write' }))
  const retention = {
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': until.toISOString(),
  }
  for (const headers of [retention, { 'x-amz-object-lock-legal-hold': 'ON' }]) {
    for (const [query, method] of [
      ['', 'PUT'],
      ['?uploads', 'POST'],
    ] as const) {
      const anonymous = await fetch(`${endpoint.url}/${Bucket}/x${query}`, { method, headers, body: 'x' })
      expect([method, anonymous.status]).toEqual([method, 403])
    }
    const answer = await endpoint.signed('bob', 'PUT', `/${Bucket}/x`, { headers, body: 'x' })
    expect(answer.status).toBe(403)
  }
  expect((await endpoint.signed('bob', 'PUT', `/${Bucket}/x`, { body: 'x' })).status).toBe(200)
})

test('the bypass is decided by the tags of the version that is deleted', async () => {
  const secret = await put({
    Tagging: 'class=secret',
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: until,
  })
  await put({ Tagging: 'class=open' })
  const Statement = [
    {
      Effect: 'Allow',
      Principal: { AWS: 'bob' },
      Action: 's3:DeleteObjectVersion',
      Resource: `arn:aws:s3:::${Bucket}/*`,
    },
    {
      Effect: 'Allow',
      Principal: { AWS: 'bob' },
      Action: 's3:BypassGovernanceRetention',
      Resource: `arn:aws:s3:::${Bucket}/*`,
      Condition: { StringEquals: { 's3:ExistingObjectTag/class': 'open' } },
    },
  ]
  await client.send(
    new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  )
  const bob = endpoint.client('bob')
  const bypass = { Bucket, BypassGovernanceRetention: true }
  await expect(bob.send(new DeleteObjectCommand({ ...bypass, Key, VersionId: secret }))).rejects.toMatchObject(refused)
  const Objects = [{ Key, VersionId: secret }]
  const { Errors } = await bob.send(new DeleteObjectsCommand({ ...bypass, Delete: { Objects } }))
  expect(Errors).toMatchObject([{ Code: 'AccessDenied' }])
  expect(await put()).toBeTruthy()
  bob.destroy()
})

test('the bypass, retentions and holds each need their own action', async () => {
  const version = await put({ ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until })
  const allow = (...Action: string[]): Promise<unknown> =>
    client.send(
      new PutBucketPolicyCommand({
        Bucket,
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { AWS: 'bob' }, Action, Resource: `arn:aws:s3:::${Bucket}/*` }],
        }),
      }),
    )
  const bob = async (method: string, query: object, headers: object = {}, body = ''): Promise<number> => {
    const o = { query: query as Record<string, string>, headers: headers as Record<string, string>, body }
    return (await endpoint.signed('bob', method, `/${Bucket}/${Key}`, o)).status
  }
  const bypass = { 'x-amz-bypass-governance-retention': 'true' }
  const lock = {
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-object-lock-retain-until-date': until.toISOString(),
  }
  await allow('s3:DeleteObjectVersion', 's3:PutObject')
  expect(await bob('DELETE', { versionId: version }, bypass)).toBe(403)
  expect(await bob('GET', { retention: '' })).toBe(403)
  expect(await bob('PUT', {}, lock, 'x')).toBe(403)
  await allow('s3:DeleteObjectVersion', 's3:PutObject', 's3:BypassGovernanceRetention', 's3:PutObjectRetention')
  expect(await bob('PUT', {}, lock, 'x')).toBe(200)
  expect(await bob('DELETE', { versionId: version }, bypass)).toBe(204)
})
