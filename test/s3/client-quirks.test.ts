/** What foreign clients rely on beyond the API reference, each seen in one of the suites of `test/interop`. */
import { CreateMultipartUploadCommand, paginateListParts, UploadPartCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEndpoint, type Endpoint } from './endpoint.ts'

let endpoint: Endpoint
const Bucket = 'quirks'
beforeAll(async () => {
  endpoint = await startEndpoint()
  expect((await endpoint.signed('alice', 'PUT', `/${Bucket}`)).status).toBe(200)
})
afterAll(() => endpoint.close())

describe('ListParts', () => {
  test.each([0, 1, 2, 3])('a paginator that follows NextPartNumberMarker alone ends, with %i parts', async (count) => {
    const client = endpoint.client('alice')
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
    for (let PartNumber = 1; PartNumber <= count; PartNumber++) {
      await client.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body: 'x' }))
    }
    const seen: number[] = []
    let pages = 0
    for await (const page of paginateListParts({ client, pageSize: 2 }, { Bucket, Key: 'parts', UploadId })) {
      seen.push(...(page.Parts ?? []).map(({ PartNumber }) => PartNumber ?? 0))
      pages += 1
      expect(pages).toBeLessThan(4)
    }
    expect(seen).toEqual([1, 2, 3].slice(0, count))
    client.destroy()
  })
})
