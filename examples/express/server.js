/**
 * An S3 application that presigns URLs with the AWS SDK. No code is specific to Postern: `S3_ENDPOINT` sends it to the
 * objects endpoint, and without that variable it uses AWS. Credentials come from AWS_ACCESS_KEY_ID and its siblings.
 */
import { randomUUID } from 'node:crypto'
import { extname, join } from 'node:path'
import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import express from 'express'

const { S3_ENDPOINT: endpoint, S3_BUCKET: Bucket = 'express-example', AWS_REGION: region = 'us-east-1' } = process.env
const maxSize = 100 * 2 ** 20

const s3 = new S3Client({
  region,
  ...(endpoint && { endpoint, forcePathStyle: true }),
  // The browser sends the bytes later. A checksum computed now would be that of an empty body.
  requestChecksumCalculation: 'WHEN_REQUIRED',
})
await s3.send(new CreateBucketCommand({ Bucket })).catch((error) => {
  if (!(error instanceof BucketAlreadyOwnedByYou)) throw error
})

const keyFor = (name) => `uploads/${randomUUID()}${extname(name)}`

const app = express()
app.use(express.static(join(import.meta.dirname, 'public')))
app.use(express.json())

/** Returns a URL for a PUT with this type. */
app.post('/upload-url', async ({ body: { name, type } }, res) => {
  const Key = keyFor(name)
  const put = new PutObjectCommand({ Bucket, Key, ContentType: type })
  const url = await getSignedUrl(s3, put, { expiresIn: 600, signableHeaders: new Set(['content-type']) })
  res.json({ url, headers: { 'content-type': type }, download: `/files/${Key}` })
})

/** Returns a form for a POST with this type and a maximum size. */
app.post('/upload-form', async ({ body: { name, type } }, res) => {
  const Key = keyFor(name)
  const form = await createPresignedPost(s3, {
    Bucket,
    Key,
    Expires: 600,
    Fields: { 'Content-Type': type },
    Conditions: [['content-length-range', 0, maxSize]],
  })
  res.json({ ...form, download: `/files/${Key}` })
})

app.get('/files/*key', async ({ params: { key } }, res) => {
  res.redirect(await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: key.join('/') }), { expiresIn: 300 }))
})

const server = app.listen(Number(process.env.PORT ?? 3000), 'localhost', (error) => {
  if (error) throw error
  console.log(`http://localhost:${server.address().port}`)
})
