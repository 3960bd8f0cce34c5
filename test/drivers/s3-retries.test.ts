/** The driver retries reads. It must not retry a change that the store may have completed. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { driverBefore, refusal, whole } from '../fixtures/fake-store.ts'

const ref = { bucket: 'files', key: 'uploads/a.bin' }
const etag = '"0123456789abcdef0123456789abcdef"'
const bytes = () => Readable.from([Buffer.from('bytes')])
const put = { contentLength: 5 }

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

/** A store that reads each request and answers the first one with `first`, the others as S3 would. */
async function storeThat(first: Answer): Promise<{ driver: StorageDriver; seen: string[] }> {
  const seen: string[] = []
  const driver = await driverBefore(
    (request, response) =>
      void whole(request).then((body) => {
        const target = request.url!.replace(/\?x-id=\w+$/, '')
        if (request.method === 'HEAD') return response.writeHead(200, { etag, 'content-length': '5' }).end()
        seen.push(`${request.method} ${target}`)
        if (seen.length === 1) return first(request, response)
        if (target.includes('uploadId')) return refusal(response, 404, 'NoSuchUpload')
        if (body.includes('<Delete')) return response.end('<DeleteResult/>')
        if (request.headers['x-amz-copy-source'])
          return response.end(`<CopyObjectResult><ETag>${etag}</ETag></CopyObjectResult>`)
        return response.writeHead(200, { etag }).end()
      }),
    { provider: 'aws' },
  )
  return { driver, seen }
}

const loseAnswer: Answer = (request) => request.socket.resetAndDestroy()
const failInside: Answer = (_request, response) => refusal(response, 500, 'InternalError')
const beBusy: Answer = (_request, response) => refusal(response, 503, 'SlowDown')

const changes: [string, (driver: StorageDriver) => Promise<unknown>][] = [
  ['putObject', (driver) => driver.putObject(ref, bytes(), put)],
  ['putObject with If-None-Match', (driver) => driver.putObject(ref, bytes(), { ...put, ifNoneMatch: '*' })],
  ['putObject with If-Match', (driver) => driver.putObject(ref, bytes(), { ...put, ifMatch: etag })],
  ['deleteObject', (driver) => driver.deleteObject(ref)],
  ['deleteObjects', (driver) => driver.deleteObjects('files', ['a', 'b'])],
  ['copyObject', (driver) => driver.copyObject(ref, { ...ref, key: 'b' }, { ifNoneMatch: '*' })],
  ['putObjectTags', (driver) => driver.putObjectTags(ref, { a: 'b' })],
  ['setObjectAcl', (driver) => driver.setObjectAcl(ref, 'private')],
]

describe.each(changes)('%s', (_, change) => {
  it('is sent once if its response is lost', async () => {
    const { driver, seen } = await storeThat(loseAnswer)
    await expect(change(driver)).rejects.toMatchObject({ code: 'Unavailable' })
    expect(seen).toHaveLength(1)
  })

  it('is sent once after an internal error of the store', async () => {
    const { driver, seen } = await storeThat(failInside)
    await expect(change(driver)).rejects.toMatchObject({ code: 'Unavailable' })
    expect(seen).toHaveLength(1)
  })

  it('is retried if the store was busy', async () => {
    const { driver, seen } = await storeThat(beBusy)
    await change(driver)
    expect(seen).toHaveLength(2)
  })
})

it('sends a copy once if the store responds with 200 without a body', async () => {
  const { driver, seen } = await storeThat((_request, response) => response.writeHead(200).end())
  await expect(driver.copyObject(ref, { ...ref, key: 'b' }, { ifNoneMatch: '*' })).rejects.toMatchObject({
    code: 'Unavailable',
  })
  expect(seen).toHaveLength(1)
})

it('retries a read if its response is lost', async () => {
  const { driver, seen } = await storeThat(loseAnswer)
  expect((await driver.getObject(ref)).head.etag).toBe(etag.slice(1, -1))
  expect(seen).toHaveLength(2)
})

it('retries an abort if its response is lost, and succeeds because the upload is gone', async () => {
  const { driver, seen } = await storeThat(loseAnswer)
  await driver.abortMultipartUpload(ref, 'upload-1')
  expect(seen).toHaveLength(2)
})

it('rejects an abort of an unknown upload with NoSuchUpload', async () => {
  const { driver } = await storeThat((_request, response) => refusal(response, 404, 'NoSuchUpload'))
  await expect(driver.abortMultipartUpload(ref, 'upload-1')).rejects.toMatchObject({ code: 'NoSuchUpload' })
})
