/** An endpoint on which alice has an empty bucket, with the AWS SDK as her client. */
import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll } from 'vitest'
import { startEndpoint, type Endpoint } from './endpoint.ts'

export const Bucket = 'alice-1'
/** Both of the test file that called `serveSdk`, from its first test on. */
export let endpoint: Endpoint
export let client: S3Client

export function serveSdk(): void {
  beforeAll(async () => {
    endpoint = await startEndpoint()
    client = endpoint.client('alice')
    await client.send(new CreateBucketCommand({ Bucket }))
  })
  afterAll(async () => {
    client?.destroy()
    await endpoint?.close()
  })
}

export const put = (Key: string, Body = Key, more: object = {}): Promise<unknown> =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))

/** What a failed command rejects with. */
export const failing = (code: string, status: number): object => ({
  name: code,
  $metadata: { httpStatusCode: status },
})
