/** Lifecycle rules over the wire: what is accepted, what is read back, and what the store removes when its time has come. */
import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketLifecycleCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type LifecycleRule,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { element, startEndpoint, type Endpoint } from './endpoint.ts'
import { failing } from './sdk.ts'

const day = 86_400_000
let endpoint: Endpoint
let client: S3Client
let Bucket: string
let made = 0
/** Milliseconds by which the server's clock is ahead. */
let ahead = 0

beforeAll(async () => {
  endpoint = await startEndpoint({ now: () => new Date(Date.now() + ahead) })
  client = endpoint.client('alice')
})
afterAll(async () => {
  client?.destroy()
  await endpoint?.close()
})
beforeEach(async () => {
  Bucket = `aging-${++made}`
  await client.send(new CreateBucketCommand({ Bucket }))
})

const setRules = (...Rules: LifecycleRule[]): Promise<unknown> =>
  client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }))
const rule = (o: Partial<LifecycleRule>): LifecycleRule => ({
  ID: 'r',
  Status: 'Enabled',
  Filter: { Prefix: '' },
  ...o,
})
const put = (Key: string, o: object = {}) => client.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...o }))
const setVersioning = (): Promise<unknown> =>
  client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
const keys = async (): Promise<unknown[]> =>
  ((await client.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key }) => Key)
const versions = async (): Promise<unknown> => {
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }))
  return { versions: Versions.map(({ VersionId }) => VersionId), markers: DeleteMarkers.length }
}

/** The periodic work of the store, at a later time. */
async function runAfter(days: number): Promise<void> {
  ahead = days * day
  try {
    await endpoint.store.sweep()
  } finally {
    ahead = 0
  }
}

describe('a configuration', () => {
  test('is returned unchanged, and can be deleted', async () => {
    const Rules: LifecycleRule[] = [
      { ID: 'prefix', Status: 'Disabled', Prefix: 'a/', Expiration: { Days: 3 } },
      { ID: 'all', Status: 'Enabled', Filter: {}, Expiration: { ExpiredObjectDeleteMarker: true } },
      {
        ID: 'and',
        Status: 'Enabled',
        Filter: { And: { Prefix: 'b/', Tags: [{ Key: 'k', Value: 'v' }], ObjectSizeGreaterThan: 10 } },
        Expiration: { Date: new Date('2030-01-01T00:00:00Z') },
        NoncurrentVersionExpiration: { NoncurrentDays: 2, NewerNoncurrentVersions: 5 },
      },
      {
        ID: 'uploads',
        Status: 'Enabled',
        Filter: { Prefix: 'c/' },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
    ]
    await setRules(...Rules)
    const read = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
    expect(read.Rules).toEqual(Rules)
    await client.send(new DeleteBucketLifecycleCommand({ Bucket }))
    await expect(client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).rejects.toMatchObject(
      failing('NoSuchLifecycleConfiguration', 404),
    )
  })

  test('gives an id to a rule without one', async () => {
    await setRules(rule({ ID: undefined, Expiration: { Days: 1 } }))
    const { Rules } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
    expect(Rules?.[0]?.ID).toMatch(/.{10}/)
  })

  const days = '<Expiration><Days>1</Days></Expiration>'
  const one = (content: string): string =>
    `<LifecycleConfiguration><Rule><Status>Enabled</Status>${content}</Rule></LifecycleConfiguration>`
  test.each([
    ['no rule', '<LifecycleConfiguration/>', 'MalformedXML'],
    ['neither prefix nor filter', one(days), 'MalformedXML'],
    ['prefix and filter', one(`<Prefix/><Filter/>${days}`), 'MalformedXML'],
    ['an unknown status', one(`<Prefix/>${days}`).replace('Enabled', 'enabled'), 'MalformedXML'],
    ['no action', one('<Prefix/>'), 'InvalidRequest'],
    ['a long id', one(`<ID>${'x'.repeat(256)}</ID><Prefix/>${days}`), 'InvalidArgument'],
    ['zero days', one('<Prefix/><Expiration><Days>0</Days></Expiration>'), 'InvalidArgument'],
    ['days and a date', one('<Prefix/><Expiration><Days>1</Days><Date>2030-01-01</Date></Expiration>'), 'MalformedXML'],
    [
      'a date that is not midnight',
      one('<Prefix/><Expiration><Date>2030-01-01T01:00:00Z</Date></Expiration>'),
      'InvalidArgument',
    ],
    [
      'an abort by tag',
      one(
        '<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>',
      ),
      'InvalidRequest',
    ],
    [
      'a transition',
      one('<Prefix/><Transition><Days>1</Days><StorageClass>STANDARD_IA</StorageClass></Transition>'),
      'NotImplemented',
    ],
    [
      'two rules of one id',
      `<LifecycleConfiguration>${`<Rule><ID>a</ID><Status>Enabled</Status><Prefix/>${days}</Rule>`.repeat(2)}</LifecycleConfiguration>`,
      'InvalidArgument',
    ],
  ])('with %s is refused', async (_, body, code) => {
    const headers = { 'content-md5': hash('md5', body, 'base64') }
    const answer = await endpoint.signed('alice', 'PUT', `/${Bucket}`, { query: { lifecycle: '' }, headers, body })
    expect([answer.status, element(answer, 'Code')]).toEqual([code === 'NotImplemented' ? 501 : 400, code])
    expect((await endpoint.store.headBucket(Bucket)).configuration).toEqual({})
  })

  test('is not that of the gateway’s own bucket', async () => {
    const body = one(`<Prefix/>${days}`)
    const headers = { 'content-md5': hash('md5', body, 'base64') }
    const answer = await endpoint.signed('gateway', 'PUT', '/postern', { query: { lifecycle: '' }, headers, body })
    expect(answer.status).toBe(403)
  })
})

describe('x-amz-expiration', () => {
  test('contains the date and the first rule to apply, on writes and reads', async () => {
    await setRules(
      rule({ ID: 'late', Expiration: { Days: 9 } }),
      rule({ ID: 'a rule', Filter: { Prefix: 'logs/' }, Expiration: { Days: 2 } }),
    )
    const written = await put('logs/1')
    const [, date, id] = /^expiry-date="(.+)", rule-id="(.+)"$/.exec(written.Expiration ?? '') ?? []
    expect(id).toBe('a%20rule')
    const expiry = Date.parse(date!)
    expect([expiry % day, Math.floor((expiry - Date.now()) / day)]).toEqual([0, 2])
    for (const command of [HeadObjectCommand, GetObjectCommand]) {
      const read = await client.send(new command({ Bucket, Key: 'logs/1' }))
      expect(read.Expiration).toBe(written.Expiration)
    }
    expect((await put('other')).Expiration).toContain('rule-id="late"')
  })

  test('is absent if no rule matches the tags', async () => {
    await setRules(rule({ Filter: { Tag: { Key: 'keep', Value: 'no' } }, Expiration: { Days: 1 } }))
    expect((await put('a')).Expiration).toBeUndefined()
    expect((await put('b', { Tagging: 'keep=no' })).Expiration).toContain('rule-id="r"')
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'b' }))
    expect(head.Expiration).toContain('rule-id="r"')
  })
})

describe('objects', () => {
  test('expire by days and prefix, and not earlier', async () => {
    await setRules(rule({ Filter: { Prefix: 'logs/' }, Expiration: { Days: 1 } }))
    for (const key of ['logs/1', 'logs/2', 'other']) await put(key)
    await runAfter(0.9)
    expect(await keys()).toEqual(['logs/1', 'logs/2', 'other'])
    await runAfter(3)
    expect(await keys()).toEqual(['other'])
  })

  test('expire by date', async () => {
    const today = Math.floor(Date.now() / day) * day
    await setRules(rule({ Expiration: { Date: new Date(today + 2 * day) } }))
    await put('a')
    await runAfter(0.5)
    expect(await keys()).toEqual(['a'])
    await runAfter(3)
    expect(await keys()).toEqual([])
  })

  test('expire by tag and by size', async () => {
    await setRules(
      rule({ ID: 'tag', Filter: { Tag: { Key: 'k', Value: 'v' } }, Expiration: { Days: 1 } }),
      rule({ ID: 'size', Filter: { ObjectSizeGreaterThan: 100 }, Expiration: { Days: 1 } }),
    )
    await put('tagged', { Tagging: 'k=v' })
    await put('tagged otherwise', { Tagging: 'k=w' })
    await put('large', { Body: 'x'.repeat(101) })
    await put('small', { Body: 'x'.repeat(100) })
    await runAfter(3)
    expect(await keys()).toEqual(['small', 'tagged otherwise'])
  })

  test('stay if the rule is disabled', async () => {
    await setRules(rule({ Status: 'Disabled', Expiration: { Days: 1 } }))
    await put('a')
    await runAfter(3)
    expect(await keys()).toEqual(['a'])
  })

  test('of more than one page expire', async () => {
    await setRules(rule({ Expiration: { Days: 1 } }))
    await Promise.all(Array.from({ length: 520 }, (_, i) => put(`k${i}`, { Body: '' })))
    await runAfter(3)
    expect(await keys()).toEqual([])
  })
})

describe('in a bucket with versions', () => {
  beforeEach(setVersioning)

  test('an object expires into a delete marker', async () => {
    await setRules(rule({ Expiration: { Days: 1 } }))
    const { VersionId } = await put('a')
    await runAfter(3)
    expect(await keys()).toEqual([])
    expect(await versions()).toEqual({ versions: [VersionId], markers: 1 })
  })

  test('noncurrent versions expire by the time when they were replaced, except the newest ones', async () => {
    await setRules(rule({ NoncurrentVersionExpiration: { NoncurrentDays: 2, NewerNoncurrentVersions: 1 } }))
    const ids = []
    for (let i = 0; i < 4; i++) ids.unshift((await put('a')).VersionId)
    await runAfter(1)
    expect(await versions()).toEqual({ versions: ids, markers: 0 })
    await runAfter(4)
    expect(await versions()).toEqual({ versions: ids.slice(0, 2), markers: 0 })
  })

  test('a delete marker expires when its key has no other version', async () => {
    await setRules(rule({ Expiration: { ExpiredObjectDeleteMarker: true } }))
    await put('kept')
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'kept' }))
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'nothing behind it' }))
    expect(await versions()).toMatchObject({ markers: 2 })
    await runAfter(0)
    expect(await versions()).toMatchObject({ markers: 1 })
  })

  test('one set of rules removes a key completely, with its object, noncurrent version and delete marker', async () => {
    await setRules(
      rule({ Expiration: { Days: 1 }, NoncurrentVersionExpiration: { NoncurrentDays: 1 } }),
      rule({ ID: 'markers', Expiration: { ExpiredObjectDeleteMarker: true } }),
    )
    await put('a')
    await runAfter(3)
    await runAfter(6)
    expect(await versions()).toEqual({ versions: [], markers: 0 })
  })
})

test('unfinished multipart uploads are aborted below the prefix', async () => {
  await setRules(rule({ Filter: { Prefix: 'a/' }, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }))
  for (const Key of ['a/1', 'b/1']) await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const open = async (): Promise<unknown> =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads?.map(({ Key }) => Key)
  await runAfter(0.9)
  expect(await open()).toEqual(['a/1', 'b/1'])
  await runAfter(3)
  expect(await open()).toEqual(['b/1'])
})

test('requests are answered while rules are evaluated', async () => {
  await setVersioning()
  const markers = Array.from({ length: 10_000 }, (_, i) => `k${i}`)
  for (let i = 0; i < markers.length; i += 1000) await endpoint.store.deleteObjects(Bucket, markers.slice(i, i + 1000))
  await setRules(...Array.from({ length: 30 }, (_, i) => rule({ ID: `r${i}`, Expiration: { Days: 9 } })))
  await put('a')
  const order: string[] = []
  const pass = endpoint.store.runLifecycle!().then(() => order.push('pass'))
  const answer = await client.send(new HeadObjectCommand({ Bucket, Key: 'a' }))
  order.push('answer')
  await pass
  expect(order).toEqual(['answer', 'pass'])
  expect(answer.ContentLength).toBe(1)
})

describe('a gateway', () => {
  const expiring = { id: 'r', isEnabled: true, filter: {}, form: 'filter' as const, expiration: { days: 1 } }

  test('executes the rules after its start, and refuses to start on a bucket with rules', async () => {
    const first = await startGateway()
    const { driver } = first.gateway
    await driver.createBucket('aging', { owner: 'alice', configuration: { lifecycle: [expiring] } })
    await driver.putObject({ bucket: 'aging', key: 'a' }, Readable.from(['x']), { contentLength: 1 })
    await first.gateway.close()

    const own = { storage: { bucket: 'aging' } }
    await expect(startGateway(own, { dir: first.dir })).rejects.toThrow(
      'The bucket aging of storage.bucket has lifecycle rules',
    )

    const second = await startGateway({}, { dir: first.dir, now: () => new Date(Date.now() + 3 * day) })
    const objects = async (): Promise<unknown> => (await second.gateway.driver.listObjects({ bucket: 'aging' })).objects
    await expect.poll(objects, { timeout: 10_000 }).toEqual([])
    await second.close()
    await first.close()
  })
})
