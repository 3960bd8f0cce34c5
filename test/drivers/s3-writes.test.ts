/** The requests that the driver sends to a store, and when it stops sending. */
import { request as sendRequest, type IncomingMessage, type RequestListener } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { driverBefore, refusal, serve, whole } from '../fixtures/fake-store.ts'

const ref = { bucket: 'files', key: 'uploads/a.bin' }
const MiB = 1024 * 1024

describe('an upload', () => {
  it('streams with its length, unsigned, no faster than the store reads it', async () => {
    const size = 192 * MiB
    let received = 0
    let taken = 0
    const asked = Promise.withResolvers<IncomingMessage>()
    const driver = await driverBefore((request, response) => {
      asked.resolve(request)
      request.on('data', (chunk: Buffer) => (received += chunk.length)).pause()
      request.on('end', () => response.writeHead(200, { etag: '"e"' }).end())
    })
    const chunk = Buffer.alloc(64 * 1024)
    const chunks = function* () {
      for (; taken < size; taken += chunk.length) yield chunk
    }
    const writing = driver.putObject(ref, Readable.from(chunks(), { objectMode: false }), { contentLength: size })
    const store = await asked.promise
    for (let before = -1; before !== taken; await delay(100)) before = taken
    // What was read of the body lies in the sockets of both sides and in one bounded stream.
    expect(taken).toBeLessThan(32 * MiB)
    store.resume()
    await writing
    expect(received).toBe(size)
    expect(store.headers).toMatchObject({ 'content-length': String(size), 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' })
    expect(store.headers['transfer-encoding']).toBeUndefined()
  })

  it('is aborted if the store rejects it before it is sent', async () => {
    const driver = await driverBefore((_request, response) => refusal(response, 412, 'PreconditionFailed'))
    const body = new PassThrough()
    body.write(Buffer.alloc(MiB))
    await expect(driver.putObject(ref, body, { contentLength: 64 * MiB })).rejects.toMatchObject({
      code: 'PreconditionFailed',
    })
    expect(body.destroyed).toBe(true)
  })

  it('from an HTTP request can still be answered after a rejection', async () => {
    const driver = await driverBefore((_request, response) => refusal(response, 412, 'PreconditionFailed'))
    const front = await serve((incoming, response) => {
      driver.putObject(ref, incoming, { contentLength: 64 * MiB }).catch((e: { code: string }) => {
        response.writeHead(412, { connection: 'close' }).end(e.code)
      })
    })
    const answer = await new Promise<string>((resolve, reject) => {
      const upload = sendRequest(front, { method: 'PUT', headers: { 'content-length': 64 * MiB } }, (response) => {
        response.setEncoding('utf8').on('data', resolve)
      })
      upload.on('error', reject).write(Buffer.alloc(MiB))
    })
    expect(answer).toBe('PreconditionFailed')
  })

  it('never sends the last bytes of a body that does not match its declaration', async () => {
    const size = 2 * MiB
    let received = 0
    let ended = false
    const driver = await driverBefore((request, response) => {
      request.on('data', (chunk: Buffer) => (received += chunk.length))
      request.on('end', () => {
        ended = true
        response.writeHead(200, { etag: '"e"' }).end()
      })
      request.on('error', () => {})
    })
    const body = Readable.from(
      Array.from({ length: size / 65_536 }, () => Buffer.alloc(65_536)),
      { objectMode: false },
    )
    const attempt = driver.putObject(ref, body, { contentLength: size, md5: 'AAAAAAAAAAAAAAAAAAAAAA==' })
    await expect(attempt).rejects.toMatchObject({ code: 'BadDigest' })
    expect(received).toBeLessThan(size)
    expect(ended).toBe(false)
  })

  it('sends the checksum after the bytes to a store that supports trailers', async () => {
    let sent: { headers: IncomingMessage['headers']; trailer: string } | undefined
    const store: RequestListener = (request, response) => {
      void whole(request).then((body) => {
        sent = { headers: request.headers, trailer: body.subarray(-200).toString('latin1') }
        response.writeHead(200, { etag: '"e"' }).end()
      })
    }
    const driver = await driverBefore(store, { provider: 'aws' })
    const size = 2 * MiB
    const { checksum } = await driver.putObject(ref, Readable.from([Buffer.alloc(size)], { objectMode: false }), {
      contentLength: size,
      checksum: { algorithm: 'crc32' },
    })
    expect(sent?.headers).toMatchObject({
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(size),
      'x-amz-trailer': 'x-amz-checksum-crc32',
    })
    expect(sent?.trailer).toContain(`x-amz-checksum-crc32:${checksum?.value}`)
  })
})

describe('a copy', () => {
  const source = '0123456789abcdef0123456789abcdef'
  const other = 'fedcba9876543210fedcba9876543210'
  const target = { bucket: 'files', key: 'files/b.bin' }

  /** A store with one object, whose copies have the ETag `copied`. */
  function storeOf(copied: string) {
    const requests: IncomingMessage[] = []
    const answer: RequestListener = (request, response) => {
      requests.push(request)
      const modified = { 'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT' }
      if (request.method === 'HEAD')
        response.writeHead(200, { etag: `"${source}"`, 'content-length': '4', ...modified }).end()
      else if (request.method === 'DELETE') response.writeHead(204).end()
      else
        response.end(
          `<CopyObjectResult><ETag>"${copied}"</ETag><LastModified>2026-01-02T03:04:05Z</LastModified></CopyObjectResult>`,
        )
    }
    return { requests, answer, of: (method: string) => requests.filter((request) => request.method === method) }
  }

  it('requires the ETag of its source, by the header that the store supports', async () => {
    const aws = storeOf(source)
    await (await driverBefore(aws.answer, { provider: 'aws' })).copyObject(ref, target)
    expect(aws.of('PUT')[0]!.headers).toMatchObject({ 'x-amz-copy-source-if-match': `"${source}"` })
    const ceph = storeOf(source)
    await (await driverBefore(ceph.answer, { provider: 'ceph' })).copyObject(ref, target)
    const { authorization, ...headers } = ceph.of('PUT')[0]!.headers
    expect(headers).toMatchObject({ 'x-amz-copy-if-match': source })
    expect(authorization).toContain('x-amz-copy-if-match')
  })

  it('of other bytes is deleted if the store ignores that header', async () => {
    const store = storeOf(other)
    const copying = (await driverBefore(store.answer)).copyObject(ref, target, {
      sourceConditions: { ifMatch: source },
    })
    await expect(copying).rejects.toMatchObject({ code: 'PreconditionFailed' })
    expect(store.of('DELETE').map(({ url }) => url!.split('?')[0])).toEqual(['/files/files/b.bin'])
  })
})
