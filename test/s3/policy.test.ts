/** Bucket policies over HTTP: allowed and denied access, and rejected policies. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { element, startEndpoint, type Endpoint, type Who } from './endpoint.ts'

let endpoint: Endpoint
let bucket: string
let made = 0

beforeAll(async () => {
  endpoint = await startEndpoint({ trustedProxies: ['127.0.0.1', '::1'] })
})
afterAll(() => endpoint?.close())
beforeEach(async () => {
  bucket = `alice-${++made}`
  await endpoint.store.createBucket(bucket, { owner: 'alice' })
  await endpoint.signed('alice', 'PUT', `/${bucket}/k`, { body: 'x' })
  await endpoint.signed('alice', 'PUT', `/${bucket}/tagged`, { body: 'x', headers: { 'x-amz-tagging': 'open=yes' } })
})

type Asker = Who | 'anyone'
type More = { headers?: Record<string, string>; query?: Record<string, string>; body?: string }

async function send(who: Asker, method: string, path: string, o: More = {}): Promise<[number, string | undefined]> {
  const body = o.body ?? (method === 'PUT' ? 'x' : '')
  const query = new URLSearchParams(o.query).toString()
  const target = `/${bucket}${path}`
  const length = method === 'PUT' || method === 'POST' ? { 'content-length': String(body.length) } : {}
  const answer =
    who === 'anyone'
      ? await endpoint.raw(method, query === '' ? target : `${target}?${query}`, { ...o.headers, ...length }, body)
      : await endpoint.signed(who, method, target, { ...o, body })
  return [answer.status, element(answer, 'Code')]
}
const status = async (...sent: Parameters<typeof send>): Promise<number> => (await send(...sent))[0]

type Statement = Record<string, unknown>
const allow = (more: Statement = {}): Statement => ({
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: `arn:aws:s3:::${bucket}/*`,
  ...more,
})
const deny = (more: Statement = {}): Statement => ({ ...allow(more), Effect: 'Deny' })
const put = (Statement: unknown, who: Asker = 'alice'): Promise<[number, string | undefined]> =>
  send(who, 'PUT', '', { query: { policy: '' }, body: JSON.stringify({ Version: '2012-10-17', Statement }) })

describe('a bucket policy', () => {
  test('is read as it was sent, and not found after its deletion', async () => {
    const body = ` ${JSON.stringify({ Statement: allow() })}`.trim()
    expect(await send('alice', 'PUT', '', { query: { policy: '' }, body })).toEqual([204, undefined])
    const read = await endpoint.signed('alice', 'GET', `/${bucket}`, { query: { policy: '' } })
    expect([read.text, read.headers.get('content-type')]).toEqual([body, 'application/json'])
    expect(await status('anyone', 'GET', '/k')).toBe(200)
    expect(await send('alice', 'DELETE', '', { query: { policy: '' } })).toEqual([204, undefined])
    expect(await send('alice', 'GET', '', { query: { policy: '' } })).toEqual([404, 'NoSuchBucketPolicy'])
    expect(await status('anyone', 'GET', '/k')).toBe(403)
  })

  test('allows only the named actions', async () => {
    await put([
      allow(),
      allow({ Principal: { AWS: 'bob' }, Action: ['s3:PutObject'], Resource: [`arn:aws:s3:::${bucket}/in/*`] }),
    ])
    expect(await status('anyone', 'GET', '/k')).toBe(200)
    expect(await status('anyone', 'HEAD', '/k')).toBe(200)
    expect(await status('anyone', 'PUT', '/k')).toBe(403)
    expect(await status('anyone', 'GET', '')).toBe(403)
    expect(await status('anyone', 'GET', '/k', { query: { tagging: '' } })).toBe(403)
    expect(await status('bob', 'PUT', '/in/a')).toBe(200)
    expect(await status('bob', 'PUT', '/k')).toBe(403)
    expect(await status('anyone', 'PUT', '/in/a')).toBe(403)
    expect(await status('bob', 'DELETE', '/in/a')).toBe(403)
    // Who may read objects need not know which keys are absent.
    expect(await send('anyone', 'GET', '/absent')).toEqual([403, 'AccessDenied'])
    await put([allow(), allow({ Action: 's3:ListBucket', Resource: `arn:aws:s3:::${bucket}` })])
    expect(await send('anyone', 'GET', '/absent')).toEqual([404, 'NoSuchKey'])
    expect(await status('anyone', 'GET', '')).toBe(200)
  })

  test.each([
    ['bob', [200, 403]],
    [{ AWS: 'bob' }, [200, 403]],
    [{ AWS: ['arn:aws:iam::bob:root'] }, [200, 403]],
    [{ AWS: 'arn:aws:iam::123456789012:user/team/bob' }, [200, 403]],
    [{ CanonicalUser: 'bob' }, [200, 403]],
    [{ AWS: 'carol' }, [403, 403]],
    [{ Service: 'cloudfront.amazonaws.com' }, [403, 403]],
    [{ AWS: '*' }, [200, 200]],
  ])('with the principal %j lets in bob and anyone: %j', async (principal, expected) => {
    const Principal = typeof principal === 'string' ? { AWS: principal } : principal
    expect(await put([allow({ Principal })])).toEqual([204, undefined])
    expect([await status('bob', 'GET', '/k'), await status('anyone', 'GET', '/k')]).toEqual(expected)
  })

  test('with a deny overrides every allow, also for the owner, who can still replace it', async () => {
    await endpoint.signed('alice', 'PUT', `/${bucket}/k`, { body: 'x', headers: { 'x-amz-acl': 'public-read' } })
    await put([allow(), deny({ Action: 's3:*', Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`] })])
    for (const who of ['alice', 'bob', 'anyone'] as const) {
      expect([await status(who, 'GET', '/k'), await status(who, 'GET', '')]).toEqual([403, 403])
    }
    expect(await status('alice', 'PUT', '/k')).toBe(403)
    expect(await status('alice', 'GET', '', { query: { policy: '' } })).toBe(200)
    expect(await put([allow()])).toEqual([204, undefined])
    expect(await status('anyone', 'GET', '/k')).toBe(200)
  })

  test('can be changed only by the owner, whatever it allows', async () => {
    await put([allow({ Action: 's3:*', Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`] })])
    expect(await status('bob', 'PUT', '', { query: { cors: '' }, body: '' })).toBe(400)
    expect(await put([allow()], 'bob')).toEqual([403, 'AccessDenied'])
    for (const query of [{ policy: '' }, { publicAccessBlock: '' }, { ownershipControls: '' }]) {
      expect(await status('bob', 'DELETE', '', { query })).toBe(403)
    }
    expect(await status('bob', 'GET', '', { query: { policy: '' } })).toBe(403)
  })

  test('decides each key of DeleteObjects', async () => {
    await endpoint.signed('alice', 'PUT', `/${bucket}/in/a`, { body: 'x' })
    await put([allow({ Action: 's3:DeleteObject', Resource: `arn:aws:s3:::${bucket}/in/*` })])
    const body = '<Delete><Object><Key>in/a</Key></Object><Object><Key>k</Key></Object></Delete>'
    const { createHash } = await import('node:crypto')
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
    const answer = await endpoint.signed('bob', 'POST', `/${bucket}`, { query: { delete: '' }, body, headers })
    expect(answer.text).toContain('<Deleted><Key>in/a</Key></Deleted>')
    expect(answer.text).toContain('<Error><Key>k</Key><Code>AccessDenied</Code>')
    expect(await status('alice', 'GET', '/k')).toBe(200)
    expect(await status('alice', 'GET', '/in/a')).toBe(404)
  })

  test('applies to both ends of a copy', async () => {
    await endpoint.store.createBucket(`${bucket}-of-bob`, { owner: 'bob' })
    const copy = (): Promise<number> =>
      endpoint
        .signed('bob', 'PUT', `/${bucket}-of-bob/copied`, { headers: { 'x-amz-copy-source': `/${bucket}/k` } })
        .then((answer) => answer.status)
    expect(await copy()).toBe(403)
    await put([allow({ Principal: { AWS: 'bob' } })])
    expect(await copy()).toBe(200)
    await put([allow(), deny({ Resource: `arn:aws:s3:::${bucket}/k` })])
    expect(await copy()).toBe(403)
  })

  test('must also allow the ACL and the tags of a write', async () => {
    const Action = ['s3:PutObject']
    await put([allow({ Principal: { AWS: 'bob' }, Action })])
    expect(await status('bob', 'PUT', '/new')).toBe(200)
    expect(await status('bob', 'PUT', '/new', { headers: { 'x-amz-acl': 'public-read' } })).toBe(403)
    expect(await status('bob', 'PUT', '/new', { headers: { 'x-amz-tagging': 'a=b' } })).toBe(403)
    await put([allow({ Principal: { AWS: 'bob' }, Action: [...Action, 's3:PutObjectAcl', 's3:PutObjectTagging'] })])
    const headers = { 'x-amz-acl': 'public-read', 'x-amz-tagging': 'a=b' }
    expect(await status('bob', 'PUT', '/new', { headers })).toBe(200)
    await put([deny({ Action: 's3:PutObjectAcl' })])
    expect(await status('alice', 'PUT', '/new', { headers: { 'x-amz-acl': 'public-read' } })).toBe(403)
    expect(await status('alice', 'PUT', '/new')).toBe(200)
  })
})

describe('conditions', () => {
  const only = (Condition: unknown, more: Statement = {}): Promise<unknown> => put([allow({ Condition, ...more })])

  test('aws:SecureTransport: a trusted proxy says whether the client used TLS', async () => {
    await put([allow(), deny({ Condition: { Bool: { 'aws:SecureTransport': 'false' } } })])
    expect(await status('anyone', 'GET', '/k')).toBe(403)
    expect(await status('alice', 'GET', '/k')).toBe(403)
    expect(await status('anyone', 'GET', '/k', { headers: { 'x-forwarded-proto': 'https' } })).toBe(200)
    expect(await status('anyone', 'GET', '/k', { headers: { 'x-forwarded-proto': 'http' } })).toBe(403)
  })

  test('aws:SecureTransport: other clients cannot set it', async () => {
    const direct = await startEndpoint()
    try {
      await direct.store.createBucket('direct', { owner: 'alice' })
      await direct.signed('alice', 'PUT', '/direct/k', { body: 'x' })
      const Statement = allow({
        Resource: 'arn:aws:s3:::direct/*',
        Condition: { Bool: { 'aws:SecureTransport': true } },
      })
      await direct.signed('alice', 'PUT', '/direct', { query: { policy: '' }, body: JSON.stringify({ Statement }) })
      expect((await direct.raw('GET', '/direct/k', { 'x-forwarded-proto': 'https' })).status).toBe(403)
    } finally {
      await direct.close()
    }
  })

  test('aws:SourceIp', async () => {
    const from = (address: string): Promise<number> =>
      status('anyone', 'GET', '/k', { headers: { 'x-forwarded-for': address } })
    await only({ IpAddress: { 'aws:SourceIp': ['203.0.113.0/24', '2001:db8::/32'] } })
    expect([
      await from('203.0.113.7'),
      await from('203.0.114.7'),
      await from('2001:db8::1'),
      await from('::1'),
    ]).toEqual([200, 403, 200, 403])
    await only({ NotIpAddress: { 'aws:SourceIp': '203.0.113.0/24' } })
    expect([await from('203.0.113.7'), await from('203.0.114.7')]).toEqual([403, 200])
  })

  test('s3:prefix', async () => {
    await only(
      { StringLike: { 's3:prefix': ['in/*', ''] } },
      { Action: 's3:ListBucket', Resource: `arn:aws:s3:::${bucket}` },
    )
    const list = (query: Record<string, string>): Promise<number> => status('anyone', 'GET', '', { query })
    expect([
      await list({ prefix: 'in/a' }),
      await list({ prefix: 'out/' }),
      await list({}),
      await list({ prefix: '' }),
    ]).toEqual([200, 403, 200, 200])
  })

  test('tags of the object', async () => {
    await only({ StringEquals: { 's3:ExistingObjectTag/open': 'yes' } })
    expect([await status('anyone', 'GET', '/tagged'), await status('anyone', 'GET', '/k')]).toEqual([200, 403])
  })

  test('tags that a request sets, in its headers and in its document', async () => {
    const Action = ['s3:PutObject', 's3:PutObjectTagging']
    await only({ StringEquals: { 's3:RequestObjectTag/team': 'a' } }, { Principal: { AWS: 'bob' }, Action })
    const tagged = (tag: string): Promise<number> => status('bob', 'PUT', '/new', { headers: { 'x-amz-tagging': tag } })
    expect([await tagged('team=a'), await tagged('team=b'), await status('bob', 'PUT', '/new')]).toEqual([
      200, 403, 403,
    ])
    const { createHash } = await import('node:crypto')
    const retag = (value: string): Promise<number> => {
      const body = `<Tagging><TagSet><Tag><Key>team</Key><Value>${value}</Value></Tag></TagSet></Tagging>`
      const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
      return status('bob', 'PUT', '/k', { query: { tagging: '' }, body, headers })
    }
    expect([await retag('b'), await retag('a')]).toEqual([403, 200])
  })

  test('the ACL of a write', async () => {
    await put([
      allow({ Principal: { AWS: 'bob' }, Action: ['s3:PutObject', 's3:PutObjectAcl'] }),
      deny({ Action: 's3:PutObject', Condition: { StringNotEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } } }),
    ])
    expect(await status('bob', 'PUT', '/new')).toBe(403)
    expect(await status('bob', 'PUT', '/new', { headers: { 'x-amz-acl': 'bucket-owner-full-control' } })).toBe(200)
  })
})

describe('a part of a policy that is not accepted', () => {
  test.each([
    ['no JSON', 'x', 400, 'MalformedPolicy'],
    ['nothing', '', 400, 'MalformedPolicy'],
    ['no statement', '{}', 400, 'MalformedPolicy'],
    ['an unknown version', { Version: '2020-01-01', Statement: [] }, 400, 'MalformedPolicy'],
    ['an unknown field', { Statement: {}, Extra: 1 }, 400, 'MalformedPolicy'],
    ['no principal', { Principal: undefined }, 400, 'MalformedPolicy'],
    ['no action', { Action: undefined }, 400, 'MalformedPolicy'],
    ['an action of another service', { Action: 'ec2:RunInstances' }, 400, 'MalformedPolicy'],
    ['an action that S3 does not have', { Action: ['s3:GetObject', 's3:GetObjects'] }, 400, 'MalformedPolicy'],
    [
      'a date that is none',
      { Condition: { DateLessThan: { 'aws:CurrentTime': 'Jan 1 2027' } } },
      400,
      'MalformedPolicy',
    ],
    ['another bucket', { Resource: 'arn:aws:s3:::another/*' }, 400, 'MalformedPolicy'],
    ['an unknown operator', { Condition: { StringAlmost: { 's3:prefix': 'a' } } }, 400, 'MalformedPolicy'],
    ['a range that is none', { Condition: { IpAddress: { 'aws:SourceIp': '1.2.3.4/33' } } }, 400, 'MalformedPolicy'],
    [
      'a condition key that is not evaluated',
      { Condition: { StringEquals: { 'aws:SourceVpc': 'v' } } },
      501,
      'NotImplemented',
    ],
    ['a variable', { Resource: 'arn:aws:s3:::BUCKET/${aws:username}/*' }, 501, 'NotImplemented'],
    ['NotPrincipal', { NotPrincipal: '*' }, 501, 'NotImplemented'],
    ['more than 20 KB', { Sid: 'x'.repeat(20_480) }, 400, 'MalformedPolicy'],
  ])('%s', async (_, part, code, name) => {
    const isDocument = typeof part === 'string' || 'Statement' in part
    const document = isDocument ? part : { Statement: allow(part) }
    const body = (typeof document === 'string' ? document : JSON.stringify(document)).replaceAll('BUCKET', bucket)
    expect(await send('alice', 'PUT', '', { query: { policy: '' }, body })).toEqual([code, name])
    expect((await endpoint.store.headBucket(bucket)).configuration).toEqual({})
  })
})

describe('the public access block', () => {
  const none = {
    blockPublicAcls: false,
    ignorePublicAcls: false,
    blockPublicPolicy: false,
    restrictPublicBuckets: false,
  }
  const block = (more: Partial<typeof none>): Promise<void> =>
    endpoint.store.configureBucket(bucket, { publicAccessBlock: { ...none, ...more } })
  const isPublic = async (): Promise<string | undefined> =>
    element(await endpoint.signed('alice', 'GET', `/${bucket}`, { query: { policyStatus: '' } }), 'IsPublic')

  test('BlockPublicPolicy refuses a policy for everyone, and accepts one for some', async () => {
    await block({ blockPublicPolicy: true })
    expect(await put([allow()])).toEqual([403, 'AccessDenied'])
    expect(await put([allow({ Condition: { StringLike: { 'aws:UserAgent': '*' } } })])).toEqual([403, 'AccessDenied'])
    expect(await put([allow({ Principal: { AWS: 'bob' } }), deny()])).toEqual([204, undefined])
    expect(await isPublic()).toBe('false')
  })

  test.each([
    ['203.0.113.0/24', 'false'],
    ['10.0.0.0/8', 'false'],
    ['10.0.0.0/7', 'true'],
    ['2001:db8::/32', 'false'],
    ['::/0', 'true'],
    // All of IPv4, and parts of it, as IPv6 has them.
    ['::ffff:0:0/96', 'true'],
    ['::ffff:0:0/97', 'true'],
    ['::ffff:10.0.0.0/104', 'false'],
    ['::/32', 'true'],
    ['::/64', 'true'],
    ['::/96', 'false'],
  ])('a policy for the addresses %s is public: %s', async (range, expected) => {
    await put([allow({ Condition: { IpAddress: { 'aws:SourceIp': range } } })])
    expect(await isPublic()).toBe(expected)
  })

  test('RestrictPublicBuckets limits a public policy to the owner', async () => {
    await put([
      allow(),
      allow({ Principal: { AWS: 'bob' }, Action: 's3:ListBucket', Resource: `arn:aws:s3:::${bucket}` }),
    ])
    expect([await status('anyone', 'GET', '/k'), await status('bob', 'GET', '')]).toEqual([200, 200])
    await block({ restrictPublicBuckets: true })
    expect([await status('anyone', 'GET', '/k'), await status('bob', 'GET', '')]).toEqual([403, 403])
    expect(await status('alice', 'GET', '/k')).toBe(200)
    // What denies still denies.
    await put([allow(), deny({ Resource: `arn:aws:s3:::${bucket}/k` })])
    expect(await status('alice', 'GET', '/k')).toBe(403)
  })
})
