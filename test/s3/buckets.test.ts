/** Buckets and their settings, through the AWS SDK. */
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutObjectAclCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { Bucket, client, endpoint, failing, put, serveSdk } from './sdk.ts'

serveSdk()

describe('buckets', () => {
  test('are created, created again, listed in pages and deleted', async () => {
    const names = ['list-a', 'list-b', 'list-c']
    for (const name of names) await client.send(new CreateBucketCommand({ Bucket: name }))
    await client.send(new CreateBucketCommand({ Bucket: 'list-a' }))
    await expect(client.send(new CreateBucketCommand({ Bucket: 'list-a', ACL: 'public-read' }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 409 },
    })
    const page = await client.send(new ListBucketsCommand({ Prefix: 'list-', MaxBuckets: 2 }))
    expect(page.Buckets?.map(({ Name }) => Name)).toEqual(['list-a', 'list-b'])
    const rest = await client.send(
      new ListBucketsCommand({ Prefix: 'list-', MaxBuckets: 2, ContinuationToken: page.ContinuationToken }),
    )
    expect(rest.Buckets?.map(({ Name }) => Name)).toEqual(['list-c'])
    expect(rest.ContinuationToken).toBeUndefined()
    expect(page.Owner?.ID).toBe('alice')
    for (const name of names) await client.send(new DeleteBucketCommand({ Bucket: name }))
    await expect(client.send(new HeadBucketCommand({ Bucket: 'list-a' }))).rejects.toMatchObject(
      failing('NotFound', 404),
    )
    await put('in-the-way')
    await expect(client.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject(failing('BucketNotEmpty', 409))
    await expect(client.send(new CreateBucketCommand({ Bucket: 'UPPER' }))).rejects.toMatchObject(
      failing('InvalidBucketName', 400),
    )
  })

  test('have a location', async () => {
    expect((await client.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe('us-east-1')
    expect((await client.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBeUndefined()
    expect((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined()
    const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const
    await expect(
      client.send(new CreateBucketCommand({ Bucket: 'elsewhere', CreateBucketConfiguration })),
    ).rejects.toMatchObject(failing('IllegalLocationConstraintException', 400))
  })

  test('CORS rules', async () => {
    await expect(client.send(new GetBucketCorsCommand({ Bucket }))).rejects.toMatchObject(
      failing('NoSuchCORSConfiguration', 404),
    )
    const CORSRules = [
      {
        ID: 'a',
        AllowedMethods: ['GET', 'PUT'],
        AllowedOrigins: ['https://*.example.com'],
        AllowedHeaders: ['*'],
        ExposeHeaders: ['ETag'],
        MaxAgeSeconds: 60,
      },
      { AllowedMethods: ['GET'], AllowedOrigins: ['*'] },
    ]
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
    expect((await client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules).toEqual(CORSRules)
    for (const rule of [
      { AllowedMethods: ['PATCH'], AllowedOrigins: ['*'] },
      { AllowedMethods: ['GET'], AllowedOrigins: ['*a*'] },
      { AllowedMethods: [], AllowedOrigins: ['*'] },
    ]) {
      const wrong = new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } })
      await expect(client.send(wrong)).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
    }
    await client.send(new DeleteBucketCorsCommand({ Bucket }))
    await expect(client.send(new GetBucketCorsCommand({ Bucket }))).rejects.toMatchObject({
      name: 'NoSuchCORSConfiguration',
    })
  })

  test('ACLs', async () => {
    await put('acl')
    const read = {
      Permission: 'READ',
      Grantee: { Type: 'Group', URI: 'http://acs.amazonaws.com/groups/global/AllUsers' },
    } as const
    const full = {
      Permission: 'FULL_CONTROL',
      Grantee: { Type: 'CanonicalUser', ID: 'alice', DisplayName: 'alice' },
    } as const
    expect((await client.send(new GetObjectAclCommand({ Bucket, Key: 'acl' }))).Grants).toEqual([full])
    await client.send(new PutObjectAclCommand({ Bucket, Key: 'acl', ACL: 'public-read' }))
    expect((await client.send(new GetObjectAclCommand({ Bucket, Key: 'acl' }))).Grants).toEqual([read, full])
    expect((await endpoint.raw('GET', `/${Bucket}/acl`)).status).toBe(200)
    const AccessControlPolicy = { Owner: { ID: 'alice' }, Grants: [full] }
    await client.send(new PutObjectAclCommand({ Bucket, Key: 'acl', AccessControlPolicy }))
    expect((await endpoint.raw('GET', `/${Bucket}/acl`)).status).toBe(403)
    const others = {
      Owner: { ID: 'alice' },
      Grants: [full, { ...full, Grantee: { Type: 'CanonicalUser', ID: 'bob', DisplayName: 'bob' } as const }],
    }
    await client.send(new PutObjectAclCommand({ Bucket, Key: 'acl', AccessControlPolicy: others }))
    expect((await client.send(new GetObjectAclCommand({ Bucket, Key: 'acl' }))).Grants).toEqual(others.Grants)
    expect((await endpoint.signed('bob', 'GET', `/${Bucket}/acl`)).status).toBe(200)
    await client.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))
    expect((await client.send(new GetBucketAclCommand({ Bucket }))).Grants).toEqual([read, full])
    expect((await endpoint.raw('GET', `/${Bucket}`)).status).toBe(200)
    await client.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
  })
})
