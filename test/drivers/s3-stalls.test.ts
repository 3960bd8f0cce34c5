/** The driver with a store that accepts requests and never responds, or stops in the middle. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { driverBefore, refusal, whole } from '../fixtures/fake-store.ts'

const ref = { bucket: 'files', key: 'uploads/a.bin' }
const target = { bucket: 'files', key: 'sealed/b.bin' }
const timeouts = { probe: 100, metadata: 200, stall: 400, operation: 400 }
const etag = '0123456789abcdef0123456789abcdef'
const MiB = 1024 * 1024

describe('a store that accepts requests and never responds', () => {
  it.each([
    ['headObject', (driver) => driver.headObject(ref)],
    ['getObject', (driver) => driver.getObject(ref)],
    ['listObjects', (driver) => driver.listObjects({ bucket: 'files' })],
    ['deleteObject', (driver) => driver.deleteObject(ref)],
    ['createMultipartUpload', (driver) => driver.createMultipartUpload(ref)],
    ['listParts', (driver) => driver.listParts(ref, 'upload-1')],
    ['copyObject', (driver) => driver.copyObject(ref, target)],
    ['putObject of a small body', (driver) => driver.putObject(ref, Readable.from(['abc']), { contentLength: 3 })],
    ['putObject of a stream', (driver) => driver.putObject(ref, chunks(4, MiB), { contentLength: 4 * MiB })],
    ['uploadPart', (driver) => driver.uploadPart(ref, 'upload-1', 1, chunks(4, MiB), { contentLength: 4 * MiB })],
    ['checkReady', (driver) => driver.checkReady()],
  ] satisfies [string, (driver: Awaited<ReturnType<typeof driverBefore>>) => Promise<unknown>][])(
    '%s ends as Unavailable and says that no answer came',
    async (_, call) => {
      const driver = await driverBefore((request) => void request.resume(), { timeouts })
      await expect(call(driver)).rejects.toMatchObject({
        code: 'Unavailable',
        message: expect.stringContaining('did not answer within'),
      })
    },
  )

  it('gets no more calls after three, except an occasional one until it responds', async () => {
    let asked = 0
    let silent = true
    const driver = await driverBefore(
      (request, response) => {
        asked++
        request.resume()
        if (!silent) response.writeHead(200, { etag: `"${etag}"`, 'content-length': '3' }).end()
      },
      { timeouts },
    )
    for (let i = 0; i < 3; i++) await expect(driver.headObject(ref)).rejects.toMatchObject({ code: 'Unavailable' })
    const before = asked
    const refused = await Promise.allSettled(Array.from({ length: 100 }, () => driver.headObject(ref)))
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true)
    expect(asked).toBe(before)
    await expect(driver.headObject(ref)).rejects.toMatchObject({
      message: expect.stringContaining('has not answered the last 3 calls'),
      retryAfter: 1,
    })

    silent = false
    // The check whether it is ready is let through, and its answer ends the refusals.
    await driver.checkReady()
    expect((await driver.headObject(ref)).contentLength).toBe(3)
  })

  it('still gets calls after errors, because errors are responses', async () => {
    let asked = 0
    const driver = await driverBefore((_request, response) => {
      asked++
      refusal(response, 403, 'AccessDenied')
    })
    for (let i = 0; i < 5; i++) await expect(driver.headObject(ref)).rejects.toMatchObject({ code: 'AccessDenied' })
    expect(asked).toBe(5)
  })
})

describe('a transfer', () => {
  it('that stops in the middle of a response is Unavailable', async () => {
    const driver = await driverBefore(
      (_request, response) =>
        void response.writeHead(200, { etag: `"${etag}"`, 'content-length': String(MiB) }).write(Buffer.alloc(1000)),
      { timeouts },
    )
    const stream = (await driver.getObject(ref)).stream()
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'Unavailable' })
  })

  it('with progress continues past the stall timeout, in both directions', async () => {
    const stored: number[] = []
    const driver = await driverBefore(
      (request, response) => {
        if (request.method === 'PUT') {
          return void whole(request).then((bytes) => {
            stored.push(bytes.length)
            response.writeHead(200, { etag: `"${etag}"` }).end()
          })
        }
        response.writeHead(200, { etag: `"${etag}"`, 'content-length': '10' })
        return void sendSlowly(response)
      },
      { timeouts },
    )
    // 10 pieces at intervals of 100 ms: longer than `stall` together, never without progress for that long.
    const body = (await driver.getObject(ref)).stream()
    expect((await buffer(body)).length).toBe(10)
    await driver.putObject(ref, slowly(chunks(10, MiB), 100), { contentLength: 10 * MiB })
    expect(stored).toEqual([10 * MiB])
  })

  it('is not aborted while the client sends slowly', async () => {
    const driver = await driverBefore(
      (request, response) => void whole(request).then(() => response.writeHead(200, { etag: `"${etag}"` }).end()),
      { timeouts },
    )
    const written = await driver.putObject(ref, slowly(chunks(3, MiB), 700), { contentLength: 3 * MiB })
    expect(written.contentLength).toBe(3 * MiB)
  })
})

describe('a long operation without a response', () => {
  it('is looked up: CompleteMultipartUpload succeeds if the parts were joined', async () => {
    let joined = false
    const joinedEtag = '4ecf1f33b63fbf1fe1ad75b6f47a8a4b-1'
    const driver = await driverBefore(
      (request, response) => {
        request.resume()
        const url = new URL(request.url!, 'http://store')
        if (request.method === 'POST') joined = true
        else if (url.searchParams.has('uploadId')) refusal(response, 404, 'NoSuchUpload')
        else if (joined) response.writeHead(200, { etag: `"${joinedEtag}"`, 'content-length': '5' }).end()
      },
      { timeouts },
    )
    const parts = [{ partNumber: 1, etag: 'd41d8cd98f00b204e9800998ecf8427e' }]
    const outcome = await driver.completeMultipartUpload(ref, 'upload-1', parts).catch((e: unknown) => e)
    // Its ETag is not that of these parts: whether they were joined stays unknown, and that is no 404.
    expect(outcome).toMatchObject({ code: 'Unavailable' })
    const { joinedEtag: etagOf } = await import('../../src/drivers/s3/complete-multipart.ts')
    const ours = etagOf(parts)
    const again = await driverBefore(
      (request, response) => {
        request.resume()
        if (request.method === 'POST') return
        if (new URL(request.url!, 'http://store').searchParams.has('uploadId')) refusal(response, 404, 'NoSuchUpload')
        else response.writeHead(200, { etag: `"${ours}"`, 'content-length': '5' }).end()
      },
      { timeouts },
    )
    expect(await again.completeMultipartUpload(ref, 'upload-1', parts)).toMatchObject({ etag: ours, contentLength: 5 })
  })

  it('is looked up: CopyObject succeeds if the target is the copy, and is Unavailable otherwise', async () => {
    let targetEtag = etag
    const driver = await driverBefore(
      (request, response) => {
        request.resume()
        if (request.method === 'PUT') return
        const found = request.url!.includes('sealed') ? targetEtag : etag
        response.writeHead(200, { etag: `"${found}"`, 'content-length': '5', 'content-type': 'text/plain' }).end()
      },
      { timeouts },
    )
    expect(await driver.copyObject(ref, target)).toMatchObject({ etag, contentLength: 5 })
    // As sealing copies: with headers of its own and no tags.
    const replaced = { metadataDirective: 'REPLACE', taggingDirective: 'REPLACE' } as const
    expect(await driver.copyObject(ref, target, { ...replaced, contentType: 'text/plain' })).toMatchObject({ etag })
    await expect(driver.copyObject(ref, target, { ...replaced, contentType: 'text/html' })).rejects.toMatchObject({
      code: 'Unavailable',
    })
    targetEtag = 'ffffffffffffffffffffffffffffffff'
    await expect(driver.copyObject(ref, target)).rejects.toMatchObject({ code: 'Unavailable' })
  })

  it('is looked up: UploadPartCopy of a whole object succeeds if the part exists', async () => {
    const driver = await driverBefore(
      (request, response) => {
        request.resume()
        if (request.method === 'PUT') return
        if (request.method === 'HEAD')
          return void response.writeHead(200, { etag: `"${etag}"`, 'content-length': '5' }).end()
        response.writeHead(200, { 'content-type': 'application/xml' })
        response.end(
          `<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>2</PartNumber><ETag>"${etag}"</ETag><Size>5</Size></Part></ListPartsResult>`,
        )
      },
      { timeouts },
    )
    expect(await driver.uploadPartCopy(target, 'upload-1', 2, ref)).toMatchObject({ etag, contentLength: 5 })
  })
})

describe('CompleteMultipartUpload', () => {
  const parts = [{ partNumber: 1, etag }]

  it('succeeds if another call deletes the object before the lookup', async () => {
    const driver = await driverBefore((request, response) => {
      request.resume()
      if (request.method !== 'POST') return void response.writeHead(404).end()
      response.writeHead(200, { 'content-type': 'application/xml' })
      return void response.end('<CompleteMultipartUploadResult><ETag>"abc-1"</ETag></CompleteMultipartUploadResult>')
    })
    expect(await driver.completeMultipartUpload(ref, 'upload-1', parts)).toEqual({ etag: 'abc-1' })
  })

  it('does not mistake an object of another call for its own', async () => {
    const driver = await driverBefore((request, response) => {
      request.resume()
      if (request.method !== 'POST')
        return void response.writeHead(200, { etag: `"${etag}"`, 'content-length': '7' }).end()
      response.writeHead(200, { 'content-type': 'application/xml' })
      return void response.end('<CompleteMultipartUploadResult><ETag>"abc-1"</ETag></CompleteMultipartUploadResult>')
    })
    expect(await driver.completeMultipartUpload(ref, 'upload-1', parts)).toEqual({ etag: 'abc-1' })
  })
})

const chunks = (count: number, size: number): Readable =>
  Readable.from(Array.from({ length: count }, () => Buffer.alloc(size)))

function slowly(body: Readable, pause: number): Readable {
  return Readable.from(
    (async function* () {
      for await (const chunk of body) {
        await sleep(pause)
        yield chunk as Buffer
      }
    })(),
  )
}

async function sendSlowly(response: { write(chunk: Buffer): boolean; end(): unknown }): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await sleep(100)
    response.write(Buffer.alloc(1))
  }
  response.end()
}
