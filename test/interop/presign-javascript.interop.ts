import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { AwsClient } from 'aws4fetch'
import { Client } from 'minio'
import { encodeURIPath } from './encode-uri-path.ts'
import { signingSuite, type SignedTask, type SigningTask } from './presigning.ts'
import { keys, region, type Harness } from './harness.ts'

const description = { Metadata: { album: '2026' }, ACL: 'public-read', ExpectedBucketOwner: 'alice' } as const

signingSuite('the AWS SDK for JavaScript', (harness, tasks) => {
  const client = harness.client()
  return Promise.all(
    tasks.map(async ({ operation, bucket: Bucket, key: Key, uploadId, partNumber }): Promise<SignedTask> => {
      if (operation === 'POST') return createPresignedPost(client, { Bucket, Key, Expires: 600 })
      const part = { UploadId: uploadId ?? '', PartNumber: partNumber ?? 0 }
      const command = {
        PUT: () => getSignedUrl(client, new PutObjectCommand({ Bucket, Key })),
        DESCRIBED_PUT: () => getSignedUrl(client, new PutObjectCommand({ Bucket, Key, ...description })),
        HEAD: () => getSignedUrl(client, new HeadObjectCommand({ Bucket, Key })),
        GET: () => getSignedUrl(client, new GetObjectCommand({ Bucket, Key })),
        DELETE: () => getSignedUrl(client, new DeleteObjectCommand({ Bucket, Key })),
        UPLOAD_PART: () => getSignedUrl(client, new UploadPartCommand({ Bucket, Key, ...part })),
      }[operation]
      return { url: await command() }
    }),
  )
})

signingSuite(
  'minio-js',
  (harness, tasks) => {
    const client = minioClient(harness)
    return Promise.all(tasks.map((task) => signByMinio(client, task)))
  },
  { describe: false },
)

async function signByMinio(client: Client, task: SigningTask): Promise<SignedTask> {
  const { operation, bucket, key, uploadId = '', partNumber } = task
  if (operation === 'POST') {
    const policy = client.newPostPolicy()
    policy.setBucket(bucket)
    policy.setKey(key)
    policy.setExpires(new Date(Date.now() + 600_000))
    const { postURL, formData } = await client.presignedPostPolicy(policy)
    return { url: postURL, fields: formData as Record<string, string> }
  }
  if (operation !== 'UPLOAD_PART') return { url: await client.presignedUrl(operation, bucket, key, 600) }
  const query = { uploadId, partNumber: String(partNumber) }
  return { url: await client.presignedUrl('PUT', bucket, key, 600, query) }
}

function minioClient(harness: Harness): Client {
  const { hostname, port } = new URL(harness.url)
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = keys.alice
  return new Client({ endPoint: hostname, port: Number(port), useSSL: false, region, accessKey, secretKey })
}

signingSuite(
  'aws4fetch',
  (harness, tasks) => {
    const client = new AwsClient({ ...keys.alice, service: 's3', region })
    return Promise.all(
      tasks.map(async ({ operation, bucket, key, uploadId, partNumber }) => {
        const url = new URL(`${harness.url}/${bucket}/${encodeURIPath(key)}`)
        url.searchParams.set('X-Amz-Expires', '600')
        if (uploadId !== undefined) url.searchParams.set('uploadId', uploadId)
        if (partNumber !== undefined) url.searchParams.set('partNumber', String(partNumber))
        const method = operation === 'UPLOAD_PART' ? 'PUT' : operation
        return { url: (await client.sign(url, { method, aws: { signQuery: true } })).url }
      }),
    )
  },
  { post: () => false, describe: false },
)
