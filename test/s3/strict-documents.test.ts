/** Documents with unknown, repeated or misplaced content are refused, and change nothing. */
import { hash } from 'node:crypto'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { element, type Endpoint } from './endpoint.ts'
import { Bucket as Plain, client, endpoint, serveSdk } from './sdk.ts'

serveSdk()

const Bucket = 'strict'
const Key = 'kept'
const until = '2099-01-01T00:00:00.000Z'

beforeAll(async () => {
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
})

type Answer = Awaited<ReturnType<Endpoint['signed']>>
function send(
  method: string,
  path: string,
  query: Record<string, string>,
  body: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const digest = { 'content-md5': hash('md5', body, 'base64') }
  return endpoint.signed('alice', method, path, { query, body, headers: { ...digest, ...headers } })
}
const xmlns = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
const document = (root: string, content: string): string => `<${root} ${xmlns}>\n ${content}\n</${root}>`
function expectMalformed(answer: Answer): void {
  expect([answer.status, element(answer, 'Code')]).toEqual([400, 'MalformedXML'])
}

/** A setting that is stored and read at the same address. */
type Setting = {
  path: string
  query: string
  root: string
  headers?: Record<string, string>
  /** Content that is accepted, with everything that AWS defines and Postern accepts. */
  valid: string
  refused: string[]
}

const days = '<Expiration><Days>9</Days></Expiration>'
const rule = (content: string): string => `<Rule><ID>r</ID><Status>Enabled</Status>${content}</Rule>`
const grantee = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
const grant = `<Grant><Grantee ${grantee}><ID>alice</ID><DisplayName>alice</DisplayName></Grantee><Permission>READ</Permission></Grant>`
const owner = '<Owner><ID>alice</ID><DisplayName>alice</DisplayName></Owner>'
const cors = '<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>'
const tag = '<Tag><Key>a</Key><Value>b</Value></Tag>'
const aclContent = {
  root: 'AccessControlPolicy',
  query: 'acl',
  valid: `${owner}<AccessControlList>${grant}</AccessControlList>`,
  refused: [
    `<AccessControlList/><Owners/>`,
    `<AccessControlList><Grants/></AccessControlList>`,
    `<AccessControlList/><AccessControlList>${grant}</AccessControlList>`,
    `<Owner><Id>bob</Id></Owner><AccessControlList/>`,
    `<AccessControlList>${grant.replace('<Permission>', '<Permission>WRITE</Permission><Permission>')}</AccessControlList>`,
    `<AccessControlList>${grant.replace('<ID>', '<ID>bob</ID><ID>')}</AccessControlList>`,
    `<AccessControlList>private</AccessControlList>`,
  ],
}
const tagContent = {
  root: 'Tagging',
  query: 'tagging',
  valid: `<TagSet>${tag}</TagSet>`,
  refused: [
    '<TagSet><Tags/></TagSet>',
    `<TagSet/><TagSet>${tag}</TagSet>`,
    '<TagSet>a=b</TagSet>',
    '<TagSet><Tag><Key>a</Key><Value>b</Value><Values/></Tag></TagSet>',
    '<TagSet><Tag><Key>a</Key><Value>b</Value><Value>c</Value></Tag></TagSet>',
    '<TagSet><Tag><Key>a<b/></Key><Value>b</Value></Tag></TagSet>',
  ],
}

const settings: Setting[] = [
  {
    path: `/${Bucket}`,
    query: 'lifecycle',
    root: 'LifecycleConfiguration',
    valid: rule(
      `<Filter><And><Prefix>logs/</Prefix>${tag}${tag.replace('>a<', '>b<')}</And></Filter>${days}` +
        '<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>',
    ),
    refused: [
      rule(`<Filter><prefix>logs/</prefix></Filter>${days}`),
      rule(`<Filter><ObjectSizeGreaterThn>5</ObjectSizeGreaterThn></Filter>${days}`),
      rule(`<Filter><Tags>${tag}</Tags></Filter>${days}`),
      rule(`<Filter>${tag}${tag}</Filter>${days}`),
      rule(`<Filter>logs/</Filter>${days}`),
      rule(`<Filter><![CDATA[logs/]]></Filter>${days}`),
      rule(`<Filter><And/></Filter>${days}`),
      rule(`<Filter><And><Prefx>logs/</Prefx></And></Filter>${days}`),
      rule(`<Filter><And>logs/</And></Filter>${days}`),
      rule(`<Filter/><Filter><Prefix>logs/</Prefix></Filter>${days}`),
      rule(`<Filter><Prefix/><Prefix>logs/</Prefix></Filter>${days}`),
      rule(`<Prefix/><Prefix>logs/</Prefix>${days}`),
      rule(`<Filter/><Status>Disabled</Status>${days}`),
      rule(`<Filter/>${days}${days}`),
      rule(`<Filter/>${days}<Expiry/>`),
      rule(`<Filter/><Expiration><Days>9</Days><Days>90</Days></Expiration>`),
      rule(
        '<Filter/><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays><NewerNoncurrentVersion>2</NewerNoncurrentVersion></NoncurrentVersionExpiration>',
      ),
      rule(`<Filter/><Expiration><Date>2030-02-30</Date></Expiration>`),
      `${rule(`<Filter/>${days}`)}<Rules/>`,
      `${rule(`<Filter/>${days}`)}off`,
    ],
  },
  {
    path: `/${Bucket}/${Key}`,
    query: 'retention',
    root: 'Retention',
    headers: { 'x-amz-bypass-governance-retention': 'true' },
    valid: `<Mode>GOVERNANCE</Mode><RetainUntilDate>${until}</RetainUntilDate>`,
    refused: [
      `<Modus>GOVERNANCE</Modus>`,
      `<RetainUntil>${until}</RetainUntil>`,
      `GOVERNANCE`,
      `<Mode>GOVERNANCE</Mode><RetainUntilDate>2098-01-01T00:00:00Z</RetainUntilDate><RetainUntilDate>${until}</RetainUntilDate>`,
      `<Mode>GOVERNANCE</Mode><RetainUntilDate>2030-02-30T00:00:00Z</RetainUntilDate>`,
      `<Mode>GOVERNANCE</Mode><RetainUntilDate>2031-04-31T00:00:00Z</RetainUntilDate>`,
    ],
  },
  {
    path: `/${Bucket}/${Key}`,
    query: 'legal-hold',
    root: 'LegalHold',
    valid: '<Status>ON</Status>',
    refused: [
      '<Status>OFF</Status><Status>ON</Status>',
      '<Status>OFF</Status><State>ON</State>',
      '<Status>OFF<b/></Status>',
      '<Status>OFF</Status>ON',
    ],
  },
  {
    path: `/${Bucket}`,
    query: 'object-lock',
    root: 'ObjectLockConfiguration',
    valid:
      '<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>',
    refused: [
      '<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rules><DefaultRetention><Mode>GOVERNANCE</Mode><Days>2</Days></DefaultRetention></Rules>',
      '<ObjectLockEnabled>Enabled</ObjectLockEnabled>GOVERNANCE',
      '<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>2</Days></DefaultRetention><Defaults/></Rule>',
      '<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>2</Days><Days>9</Days></DefaultRetention></Rule>',
    ],
  },
  {
    path: `/${Plain}`,
    query: 'versioning',
    root: 'VersioningConfiguration',
    valid: '<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>',
    refused: [
      '<Status>Suspended</Status><MFADelete>Enabled</MFADelete>',
      '<Status>Suspended</Status><Status>Enabled</Status>',
      '<Status>Suspended</Status>Enabled',
    ],
  },
  { path: `/${Bucket}`, ...tagContent },
  { path: `/${Bucket}/${Key}`, ...tagContent },
  {
    path: `/${Bucket}`,
    query: 'cors',
    root: 'CORSConfiguration',
    valid: `<CORSRule><ID>c</ID>${cors}<AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule>`,
    refused: [
      `<CORSRule>${cors}<AllowedHeaders>*</AllowedHeaders></CORSRule>`,
      `<CORSRule>${cors}<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>2</MaxAgeSeconds></CORSRule>`,
      `<CORSRule>${cors}*</CORSRule>`,
      `<CORSRule>${cors}</CORSRule><Rule/>`,
    ],
  },
  {
    path: `/${Plain}`,
    query: 'ownershipControls',
    root: 'OwnershipControls',
    valid: '<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>',
    refused: [
      '<Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership><Other/></Rule>',
      '<Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule><Rules/>',
      '<Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership>x</Rule>',
    ],
  },
  {
    path: `/${Plain}`,
    query: 'publicAccessBlock',
    root: 'PublicAccessBlockConfiguration',
    valid: '<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>',
    refused: [
      '<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicACLs>true</IgnorePublicACLs>',
      '<BlockPublicAcls>false</BlockPublicAcls><BlockPublicAcls>true</BlockPublicAcls>',
      'true',
    ],
  },
  { path: `/${Bucket}`, ...aclContent },
  { path: `/${Bucket}/${Key}`, ...aclContent },
]

describe.each(settings)('$root at $path', ({ path, query, root, headers, valid, refused }) => {
  const read = async (): Promise<string> => {
    const answer = await endpoint.signed('alice', 'GET', path, { query: { [query]: '' } })
    expect(answer.status).toBe(200)
    return answer.text
  }

  test('is stored with every known element, and keeps its value if unknown or repeated content is refused', async () => {
    const answer = await send('PUT', path, { [query]: '' }, document(root, valid), headers)
    expect([answer.status, answer.text]).toEqual([expect.toBeOneOf([200, 204]), ''])
    const stored = await read()
    const answers: unknown[] = []
    for (const content of refused) {
      const refusal = await send('PUT', path, { [query]: '' }, document(root, content), headers)
      answers.push([content, refusal.status, element(refusal, 'Code')])
    }
    expect(answers).toEqual(refused.map((content) => [content, 400, 'MalformedXML']))
    expect(await read()).toBe(stored)
  })
})

test('the message names the unknown or repeated element', async () => {
  const message = async (content: string): Promise<string | undefined> =>
    element(
      await send('PUT', `/${Bucket}`, { lifecycle: '' }, document('LifecycleConfiguration', rule(content))),
      'Message',
    )
  expect(await message(`<Filter><prefix>a</prefix></Filter>${days}`)).toContain(
    'Filter contains the unknown element prefix.',
  )
  expect(await message(`<Filter/><Filter/>${days}`)).toContain('Rule contains Filter more than once.')
  expect(await message(`<Filter>a</Filter>${days}`)).toContain('Filter contains text.')
})

describe('DeleteObjects', () => {
  const remove = (content: string): Promise<Answer> =>
    send('POST', `/${Bucket}`, { delete: '' }, document('Delete', content))
  const count = async (): Promise<number> => {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }))
    return Versions.length + DeleteMarkers.length
  }

  test.each([
    '<Object><Key>kept</Key><VersionID>v</VersionID></Object>',
    '<Object><Key>kept</Key><Version>v</Version></Object>',
    '<Object><Key>kept</Key><Etag>"0"</Etag></Object>',
    '<Object><Key>kept</Key><Key>other</Key></Object>',
    '<Object><Key>kept<VersionId>v</VersionId></Key></Object>',
    '<Object><Key>kept</Key>v</Object>',
    '<Object><Key>kept</Key></Object><Objects/>',
    '<Object><Key>kept</Key></Object><Quiet>true</Quiet><Quiet>false</Quiet>',
    '<Object><Key>kept</Key></Object>other',
  ])('deletes nothing for %s', async (content) => {
    const before = await count()
    expectMalformed(await remove(content))
    expect(await count()).toBe(before)
  })

  test('reads text around a CDATA section and a comment', async () => {
    await client.send(new PutObjectCommand({ Bucket: Plain, Key: 'a<b>&amp;c<!--d' }))
    const body = document(
      'Delete',
      '<!-- <![CDATA[ --><Object><Key>a&lt;<![CDATA[b>&amp;]]>c<!-- no --><![CDATA[<!--]]>d</Key></Object>',
    )
    const answer = await send('POST', `/${Plain}`, { delete: '' }, body)
    expect(answer.text).toContain('<Key>a&lt;b&gt;&amp;amp;c&lt;!--d</Key>')
  })
})

describe('CompleteMultipartUpload', () => {
  test('completes nothing with an unknown or repeated element, and accepts checksums of every algorithm', async () => {
    const to = { Bucket: Plain, Key: 'parts' }
    const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand(to))
    const { ETag } = await client.send(new UploadPartCommand({ ...to, UploadId, PartNumber: 1, Body: 'x' }))
    const complete = (content: string): Promise<Answer> =>
      send('POST', `/${Plain}/parts`, { uploadId: UploadId }, document('CompleteMultipartUpload', content))
    const part = `<PartNumber>1</PartNumber><ETag>${ETag}</ETag>`
    for (const content of [
      `<Part>${part}<ChecksumCrc32>AAAAAA==</ChecksumCrc32></Part>`,
      `<Part>${part}<PartNumber>2</PartNumber></Part>`,
      `<Part>${part}</Part><Parts/>`,
      `<Part>${part}x</Part>`,
      `<Part>${part}</Part>x`,
    ]) {
      expectMalformed(await complete(content))
    }
    expect((await client.send(new ListPartsCommand({ ...to, UploadId }))).Parts).toHaveLength(1)
    expect((await complete(`<Part>${part}<ChecksumXXHASH64>AAAAAAAAAAA=</ChecksumXXHASH64></Part>`)).status).toBe(200)
  })
})

describe('CreateBucket', () => {
  test.each([
    ['<LocationConstrain>eu-west-1</LocationConstrain>', 400, 'MalformedXML'],
    ['<LocationConstraint/><LocationConstraint>eu-west-1</LocationConstraint>', 400, 'MalformedXML'],
    ['eu-west-1', 400, 'MalformedXML'],
    ['<Tags><tag/></Tags>', 400, 'MalformedXML'],
    ['<Tags>a=b</Tags>', 400, 'MalformedXML'],
    ['<Location><Name>z</Name></Location>', 501, 'NotImplemented'],
    ['<Bucket><Type>Directory</Type></Bucket>', 501, 'NotImplemented'],
  ])('creates nothing for %s', async (content, status, code) => {
    const answer = await send('PUT', '/not-made', {}, document('CreateBucketConfiguration', content))
    expect([answer.status, element(answer, 'Code')]).toEqual([status, code])
    expect((await endpoint.signed('alice', 'HEAD', '/not-made')).status).toBe(404)
  })
})

describe('elements of AWS that are not implemented', () => {
  test.each([
    [`/${Bucket}/${Key}`, 'retention', 'Retention', '<EventHold>ON</EventHold>'],
    [
      `/${Bucket}`,
      'object-lock',
      'ObjectLockConfiguration',
      '<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days><DefaultEventHold/></DefaultRetention></Rule>',
    ],
    [
      `/${Bucket}`,
      'lifecycle',
      'LifecycleConfiguration',
      rule('<Filter/><Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>'),
    ],
  ])('are refused at %s?%s', async (path, query, root, content) => {
    const answer = await send('PUT', path, { [query]: '' }, document(root, content), {
      'x-amz-bypass-governance-retention': 'true',
    })
    expect([answer.status, element(answer, 'Code')]).toEqual([501, 'NotImplemented'])
  })
})

describe('dates', () => {
  test.each([
    '2030-02-30T00:00:00Z',
    '2031-04-31T00:00:00Z',
    '2099-01-01',
    'tomorrow',
    'Fri, 01 Jan 2099 00:00:00 GMT',
  ])('a retention until %s in a header is InvalidArgument', async (date) => {
    const answer = await endpoint.signed('alice', 'PUT', `/${Bucket}/dated`, {
      body: 'x',
      headers: {
        'content-md5': hash('md5', 'x', 'base64'),
        'x-amz-object-lock-mode': 'GOVERNANCE',
        'x-amz-object-lock-retain-until-date': date,
      },
    })
    expect([answer.status, element(answer, 'Code')]).toEqual([400, 'InvalidArgument'])
  })

  test('29 February of a leap year is accepted, with an offset', async () => {
    const content = '<Mode>GOVERNANCE</Mode><RetainUntilDate>2096-02-29T23:30:00-05:00</RetainUntilDate>'
    const answer = await send('PUT', `/${Bucket}/${Key}`, { retention: '' }, document('Retention', content), {
      'x-amz-bypass-governance-retention': 'true',
    })
    expect(answer.status).toBe(200)
    const { Retention } = await client.send(new GetObjectRetentionCommand({ Bucket, Key }))
    expect(Retention?.RetainUntilDate).toEqual(new Date('2096-03-01T04:30:00Z'))
  })

  test('an expiration after the year 9999 is announced for its last day', async () => {
    const Rules = [{ ID: 'r', Status: 'Enabled' as const, Filter: { Prefix: '' }, Expiration: { Days: 2_147_483_647 } }]
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket: Plain, LifecycleConfiguration: { Rules } }))
    const { Expiration } = await client.send(new PutObjectCommand({ Bucket: Plain, Key: 'old', Body: 'x' }))
    expect(Expiration).toBe('expiry-date="Fri, 31 Dec 9999 00:00:00 GMT", rule-id="r"')
  })
})
