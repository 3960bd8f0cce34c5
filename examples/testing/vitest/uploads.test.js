import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'

const Bucket = process.env.AWS_S3_BUCKET

test('reads what it wrote', async () => {
  const s3 = new S3Client()
  await s3.send(new PutObjectCommand({ Bucket, Key: 'vitest.txt', Body: 'hello' }))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'vitest.txt' }))
  expect(await Body.transformToString()).toBe('hello')
})
