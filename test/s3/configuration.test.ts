/** The configuration of buckets, through the AWS SDK: stored, enforced, and absent settings. */
import { hash } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketAclCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  PutBucketAccelerateConfigurationCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketTaggingCommand,
  PutObjectAclCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import { endpoint, failing, client, put as putTo, serveSdk } from './sdk.ts'
import { element } from './endpoint.ts'

serveSdk()

let Bucket: string
let made = 0

beforeEach(async () => {
  Bucket = `configured-${++made}`
  await client.send(new CreateBucketCommand({ Bucket }))
})

const put = (Key: string, more: object = {}): Promise<unknown> => putTo(Key, Key, { Bucket, ...more })
const anyone = async (path: string): Promise<number> => (await endpoint.raw('GET', path)).status
const read = async (query: string): Promise<[number, string | undefined]> => {
  const answer = await endpoint.signed('alice', 'GET', `/${Bucket}`, {
    query: Object.fromEntries(new URLSearchParams(query)),
  })
  return [answer.status, element(answer, 'Code')]
}

describe('a new bucket', () => {
  test.each([
    ['tagging', 'NoSuchTagSet'],
    ['ownershipControls', 'OwnershipControlsNotFoundError'],
    ['publicAccessBlock', 'NoSuchPublicAccessBlockConfiguration'],
    ['encryption', 'ServerSideEncryptionConfigurationNotFoundError'],
    ['lifecycle', 'NoSuchLifecycleConfiguration'],
    ['policy', 'NoSuchBucketPolicy'],
    ['policyStatus', 'NoSuchBucketPolicy'],
    ['replication', 'ReplicationConfigurationNotFoundError'],
    ['website', 'NoSuchWebsiteConfiguration'],
    ['object-lock', 'ObjectLockConfigurationNotFoundError'],
    ['analytics=&id=a', 'NoSuchConfiguration'],
    ['intelligent-tiering=&id=a', 'NoSuchConfiguration'],
    ['inventory=&id=a', 'NoSuchConfiguration'],
    ['metrics=&id=a', 'NoSuchConfiguration'],
  ])('answers a read of ?%s with %s', async (query, code) => {
    expect(await read(query)).toEqual([404, code])
  })

  test.each([
    ['abac', '<Status>Disabled</Status>'],
    [
      'accelerate',
      '<AccelerateConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></AccelerateConfiguration>',
    ],
    ['logging', '<BucketLoggingStatus xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></BucketLoggingStatus>'],
    ['notification', '"></NotificationConfiguration>'],
    ['requestPayment', '<Payer>BucketOwner</Payer>'],
    ['versioning', '"></VersioningConfiguration>'],
    ['analytics', '<IsTruncated>false</IsTruncated>'],
    ['intelligent-tiering', '<IsTruncated>false</IsTruncated>'],
    ['inventory', '<IsTruncated>false</IsTruncated>'],
    ['metrics', '<IsTruncated>false</IsTruncated>'],
  ])('answers ?%s with the default', async (name, text) => {
    const answer = await endpoint.signed('alice', 'GET', `/${Bucket}`, { query: { [name]: '' } })
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining(text)])
  })

  test.each([
    'tagging',
    'ownershipControls',
    'publicAccessBlock',
    'encryption',
    'lifecycle',
    'policy',
    'replication',
    'website',
  ])('accepts the removal of ?%s, which changes nothing', async (name) => {
    const answer = await endpoint.signed('alice', 'DELETE', `/${Bucket}`, { query: { [name]: '' } })
    expect(answer.status).toBe(204)
    expect((await read(name))[0]).toBe(404)
  })

  test.each(['tagging', 'encryption', 'notification', 'inventory', 'abac'])(
    'shows ?%s only to its owner',
    async (name) => {
      const query = { [name]: '' }
      expect((await endpoint.signed('bob', 'GET', `/${Bucket}`, { query })).status).toBe(403)
      expect((await endpoint.raw('GET', `/${Bucket}?${name}`)).status).toBe(403)
      expect((await endpoint.signed('bob', 'DELETE', `/${Bucket}`, { query })).status).toBeGreaterThanOrEqual(403)
      const nowhere = await endpoint.signed('alice', 'GET', '/not-there', { query })
      expect([nowhere.status, element(nowhere, 'Code')]).toEqual([404, 'NoSuchBucket'])
    },
  )

  test('is named by its ARN', async () => {
    const created = await endpoint.signed('alice', 'PUT', '/with-arn')
    expect(created.headers.get('x-amz-bucket-arn')).toBe('arn:aws:s3:::with-arn')
    expect((await client.send(new HeadBucketCommand({ Bucket }))).BucketArn).toBe(`arn:aws:s3:::${Bucket}`)
  })
})

describe('settings that are off and stay off', () => {
  test.each([
    ['notification', 'NotificationConfiguration', ''],
    ['logging', 'BucketLoggingStatus', ''],
    ['requestPayment', 'RequestPaymentConfiguration', '<Payer>BucketOwner</Payer>'],
    ['abac', 'AbacStatus', '<Status>Disabled</Status>'],
  ])('?%s accepts values that change nothing', async (name, root, content) => {
    const before = await endpoint.signed('alice', 'GET', `/${Bucket}`, { query: { [name]: '' } })
    const answer = await endpoint.signed('alice', 'PUT', `/${Bucket}`, {
      query: { [name]: '' },
      body: `<${root}>${content}</${root}>`,
    })
    expect(answer.status).toBe(200)
    const after = await endpoint.signed('alice', 'GET', `/${Bucket}`, { query: { [name]: '' } })
    expect(after.text).toBe(before.text)
  })

  test.each([
    ['notification', '<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>'],
    [
      'logging',
      '<BucketLoggingStatus><LoggingEnabled><TargetBucket>a</TargetBucket></LoggingEnabled></BucketLoggingStatus>',
    ],
    ['requestPayment', '<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>'],
    ['accelerate', '<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>'],
    ['abac', '<AbacStatus><Status>Enabled</Status></AbacStatus>'],
    ['encryption', '<ServerSideEncryptionConfiguration/>'],
    ['replication', '<ReplicationConfiguration/>'],
    ['website', '<WebsiteConfiguration/>'],
    ['inventory', '<InventoryConfiguration/>'],
  ])('?%s is NotImplemented for values that turn something on', async (name, body) => {
    const before = await endpoint.store.headBucket(Bucket)
    const answer = await endpoint.signed('alice', 'PUT', `/${Bucket}`, { query: { [name]: '' }, body })
    expect([answer.status, element(answer, 'Code')]).toEqual([501, 'NotImplemented'])
    expect(await endpoint.store.headBucket(Bucket)).toEqual(before)
  })

  test('acceleration is read as suspended', async () => {
    const AccelerateConfiguration = { Status: 'Suspended' } as const
    await client.send(new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration }))
    expect((await client.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status).toBe('Suspended')
  })

  test('invalid documents are MalformedXML', async () => {
    const headers = { 'content-md5': hash('md5', '<x/>', 'base64') }
    for (const name of ['tagging', 'ownershipControls', 'publicAccessBlock', 'accelerate', 'requestPayment', 'abac']) {
      const query = { [name]: '' }
      const answer = await endpoint.signed('alice', 'PUT', `/${Bucket}`, { query, body: '<x/>', headers })
      expect([name, answer.status, element(answer, 'Code')]).toEqual([name, 400, 'MalformedXML'])
    }
  })
})

describe('tags of a bucket', () => {
  const TagSet = [
    { Key: 'team', Value: 'storage' },
    { Key: 'cost centre', Value: 'ü+1' },
  ]

  test('are set, read, replaced and removed', async () => {
    await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }))
    expect((await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet)
    await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: TagSet.slice(1) } }))
    expect((await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet.slice(1))
    await client.send(new DeleteBucketTaggingCommand({ Bucket }))
    await expect(client.send(new GetBucketTaggingCommand({ Bucket }))).rejects.toMatchObject(
      failing('NoSuchTagSet', 404),
    )
  })

  test('can be set with a new bucket', async () => {
    const CreateBucketConfiguration = { Tags: TagSet }
    await client.send(new CreateBucketCommand({ Bucket: 'born-tagged', CreateBucketConfiguration }))
    expect((await client.send(new GetBucketTaggingCommand({ Bucket: 'born-tagged' }))).TagSet).toEqual(TagSet)
  })

  test('are at most fifty, each once', async () => {
    const many = (count: number): { Key: string; Value: string }[] =>
      Array.from({ length: count }, (_, i) => ({ Key: `k${i}`, Value: 'v' }))
    await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: many(50) } }))
    for (const wrong of [many(51), [...many(1), ...many(1)], [{ Key: '', Value: 'v' }]]) {
      const refused = client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: wrong } }))
      await expect(refused).rejects.toMatchObject(failing('InvalidTag', 400))
    }
    expect((await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toHaveLength(50)
  })
})

describe('ownership controls', () => {
  const set = (ObjectOwnership: 'BucketOwnerEnforced' | 'ObjectWriter'): Promise<unknown> =>
    client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: [{ ObjectOwnership }] } }))

  test('are set, read and removed', async () => {
    await set('ObjectWriter')
    const { OwnershipControls } = await client.send(new GetBucketOwnershipControlsCommand({ Bucket }))
    expect(OwnershipControls).toEqual({ Rules: [{ ObjectOwnership: 'ObjectWriter' }] })
    await client.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
    await expect(client.send(new GetBucketOwnershipControlsCommand({ Bucket }))).rejects.toMatchObject(
      failing('OwnershipControlsNotFoundError', 404),
    )
  })

  test('BucketOwnerEnforced disables ACLs: existing ones grant nothing, and new ones are refused', async () => {
    await put('open', { ACL: 'public-read' })
    expect(await anyone(`/${Bucket}/open`)).toBe(200)
    await set('BucketOwnerEnforced')
    expect(await anyone(`/${Bucket}/open`)).toBe(403)
    const unsupported = failing('AccessControlListNotSupported', 400)
    await expect(put('a', { ACL: 'public-read' })).rejects.toMatchObject(unsupported)
    await expect(put('a', { ACL: 'private' })).rejects.toMatchObject(unsupported)
    await expect(client.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))).rejects.toMatchObject(unsupported)
    await expect(
      client.send(new PutObjectAclCommand({ Bucket, Key: 'open', ACL: 'public-read' })),
    ).rejects.toMatchObject(unsupported)
    const { status } = await endpoint.signed('alice', 'PUT', `/${Bucket}/copied`, {
      headers: { 'x-amz-copy-source': `/${Bucket}/open`, 'x-amz-acl': 'public-read' },
    })
    expect(status).toBe(400)
    const begun = await endpoint.signed('alice', 'POST', `/${Bucket}/parts`, {
      query: { uploads: '' },
      headers: { 'x-amz-acl': 'public-read' },
    })
    expect([begun.status, element(begun, 'Code')]).toEqual([400, 'AccessControlListNotSupported'])
    await put('a', { ACL: 'bucket-owner-full-control' })
    await put('b')
    const owner = { ID: 'alice', DisplayName: 'alice' }
    const full = { Permission: 'FULL_CONTROL', Grantee: { Type: 'CanonicalUser', ...owner } } as const
    expect((await client.send(new GetBucketAclCommand({ Bucket }))).Grants).toEqual([full])
    await client.send(new PutBucketAclCommand({ Bucket, AccessControlPolicy: { Owner: owner, Grants: [full] } }))
    await client.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
    expect(await anyone(`/${Bucket}/open`)).toBe(200)
  })

  test('BucketOwnerEnforced is refused together with an ACL that grants access', async () => {
    await client.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))
    const invalid = failing('InvalidBucketAclWithObjectOwnership', 400)
    await expect(set('BucketOwnerEnforced')).rejects.toMatchObject(invalid)
    const ObjectOwnership = 'BucketOwnerEnforced'
    await expect(
      client.send(new CreateBucketCommand({ Bucket: 'never', ObjectOwnership, ACL: 'public-read' })),
    ).rejects.toMatchObject(invalid)
    await client.send(new CreateBucketCommand({ Bucket: 'enforced', ObjectOwnership }))
    const { OwnershipControls } = await client.send(new GetBucketOwnershipControlsCommand({ Bucket: 'enforced' }))
    expect(OwnershipControls?.Rules).toEqual([{ ObjectOwnership }])
  })
})

describe('the public access block', () => {
  const none = {
    BlockPublicAcls: false,
    IgnorePublicAcls: false,
    BlockPublicPolicy: false,
    RestrictPublicBuckets: false,
  }
  const set = (settings: Partial<typeof none>): Promise<unknown> =>
    client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: settings }))

  test('is set, read and removed, and omitted fields are off', async () => {
    await set({ IgnorePublicAcls: true })
    const { PublicAccessBlockConfiguration } = await client.send(new GetPublicAccessBlockCommand({ Bucket }))
    expect(PublicAccessBlockConfiguration).toEqual({ ...none, IgnorePublicAcls: true })
    await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
    await expect(client.send(new GetPublicAccessBlockCommand({ Bucket }))).rejects.toMatchObject(
      failing('NoSuchPublicAccessBlockConfiguration', 404),
    )
  })

  test('BlockPublicAcls refuses new public ACLs and keeps existing ones', async () => {
    await put('open', { ACL: 'public-read' })
    await set({ BlockPublicAcls: true })
    const denied = failing('AccessDenied', 403)
    await expect(put('new', { ACL: 'public-read' })).rejects.toMatchObject(denied)
    await expect(client.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))).rejects.toMatchObject(denied)
    await expect(
      client.send(new PutObjectAclCommand({ Bucket, Key: 'open', ACL: 'public-read' })),
    ).rejects.toMatchObject(denied)
    await put('new', { ACL: 'private' })
    expect(await anyone(`/${Bucket}/open`)).toBe(200)
  })

  test('IgnorePublicAcls ignores public ACLs and keeps them', async () => {
    await put('open', { ACL: 'public-read' })
    await client.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))
    await set({ IgnorePublicAcls: true })
    expect([await anyone(`/${Bucket}`), await anyone(`/${Bucket}/open`), await anyone(`/${Bucket}/absent`)]).toEqual([
      403, 403, 403,
    ])
    expect((await endpoint.signed('bob', 'GET', `/${Bucket}/open`)).status).toBe(403)
    expect((await client.send(new GetBucketAclCommand({ Bucket }))).Grants).toHaveLength(2)
    await set({})
    expect([await anyone(`/${Bucket}`), await anyone(`/${Bucket}/open`), await anyone(`/${Bucket}/absent`)]).toEqual([
      200, 200, 404,
    ])
  })
})

test.each(['tagging', 'ownershipControls', 'publicAccessBlock', 'accelerate', 'logging', 'policy'])(
  'no access key can set ?%s of the gateway’s own bucket',
  async (name) => {
    for (const who of ['alice', 'gateway'] as const) {
      for (const method of ['PUT', 'DELETE']) {
        const answer = await endpoint.signed(who, method, '/postern', { query: { [name]: '' } })
        expect([403, 405, 501]).toContain(answer.status)
      }
    }
    expect((await endpoint.store.headBucket('postern')).configuration).toEqual({})
  },
)

test('the calls of aws_s3_bucket and its companions: create, refresh, change, refresh, destroy', async () => {
  Bucket = 'terraformed'
  const refresh = async (): Promise<Record<string, unknown>> => {
    const state: Record<string, unknown> = {}
    await client.send(new HeadBucketCommand({ Bucket }))
    for (const name of [
      'policy',
      'acl',
      'cors',
      'website',
      'versioning',
      'accelerate',
      'requestPayment',
      'logging',
      'lifecycle',
      'replication',
      'encryption',
      'object-lock',
      'location',
      'tagging',
      'ownershipControls',
      'publicAccessBlock',
      'notification',
    ]) {
      const answer = await endpoint.signed('alice', 'GET', `/${Bucket}`, { query: { [name]: '' } })
      // Anything but an answer or the "not configured" of AWS ends a refresh.
      expect([name, answer.status]).toEqual([name, expect.toBeOneOf([200, 404])])
      state[name] = answer.status === 200 ? answer.text : element(answer, 'Code')
    }
    return state
  }

  await expect(client.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 404 },
  })
  await client.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { Tags: [{ Key: 'by', Value: 'terraform' }] } }),
  )
  const created = await refresh()
  expect(created['tagging']).toContain('<Key>by</Key><Value>terraform</Value>')
  expect(await refresh()).toEqual(created)

  await client.send(
    new PutBucketOwnershipControlsCommand({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] },
    }),
  )
  await client.send(
    new PutPublicAccessBlockCommand({
      Bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    }),
  )
  await client.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
  await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'by', Value: 'tofu' }] } }))
  const changed = await refresh()
  expect(changed).toEqual({
    ...created,
    tagging: expect.stringContaining('<Value>tofu</Value>'),
    ownershipControls: expect.stringContaining('BucketOwnerPreferred'),
    publicAccessBlock: expect.stringContaining('<RestrictPublicBuckets>true</RestrictPublicBuckets>'),
  })

  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
  await client.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
  await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'by', Value: 'terraform' }] } }))
  expect(await refresh()).toEqual(created)
  expect((await client.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer).toBe('BucketOwner')
  expect(
    (await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))).QueueConfigurations,
  ).toBeUndefined()
  await client.send(new DeleteBucketCommand({ Bucket }))
  await expect(client.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 404 },
  })
})
