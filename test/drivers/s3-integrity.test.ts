/**
 * A bucket that sends bytes that differ from their stored checksum. The response is aborted, also with proxied
 * delivery.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { crc32 } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { driverBefore, serve } from '../fixtures/fake-store.ts'
import { codeOf, collect } from '../conformance/driver/suite-tools.ts'

const data = randomBytes(300_000)
const changed = (at: number): Buffer => {
  const bytes = Buffer.from(data)
  bytes[at] = bytes[at]! ^ 1
  return bytes
}
const sha256 = createHash('sha256').update(data).digest('base64')
const crc = Buffer.alloc(4)
crc.writeUInt32BE(crc32(data))

/** Answers every GET with these bytes and headers, ranges as asked. */
const sending =
  (bytes: Buffer, headers: Record<string, string>): RequestListener =>
  (request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const part = from === undefined ? bytes : bytes.subarray(Number(from), Number(to) + 1)
    const range = from === undefined ? {} : { 'content-range': `bytes ${from}-${to}/${bytes.length}` }
    response.writeHead(from === undefined ? 200 : 206, {
      etag: '"0123456789abcdef0123456789abcdef"',
      'last-modified': new Date(0).toUTCString(),
      'content-length': String(part.length),
      ...headers,
      ...range,
    })
    response.end(request.method === 'HEAD' ? undefined : part)
  }

const ref = { bucket: 'files', key: 'a' }

it.each([
  ['x-amz-checksum-sha256', sha256],
  ['x-amz-checksum-crc32', crc.toString('base64')],
])('%s of the whole object is compared', async (name, value) => {
  const right = await driverBefore(sending(data, { [name]: value }))
  expect((await collect((await right.getObject(ref)).stream())).equals(data)).toBe(true)
  for (const at of [0, 150_000, data.length - 1]) {
    const wrong = await driverBefore(sending(changed(at), { [name]: value }))
    expect(await codeOf(wrong.getObject(ref).then(async (object) => collect(object.stream())))).toBe('Corrupt')
  }
})

it("does not compare a composite checksum, or the whole object's on a range, with the sent bytes", async () => {
  const composite = await driverBefore(sending(data, { 'x-amz-checksum-sha256': `${sha256}-3` }))
  expect((await collect((await composite.getObject(ref)).stream())).equals(data)).toBe(true)
  const ranged = await driverBefore(sending(data, { 'x-amz-checksum-sha256': sha256 }))
  const part = await ranged.getObject(ref, { range: { start: 5, end: 9 } })
  expect(await collect(part.stream())).toEqual(data.subarray(5, 10))
})

it('a proxied download with wrong bytes never completes', async () => {
  const download = async (bytes: Buffer): Promise<Buffer | null> => {
    const endpoint = await serve(sending(bytes, { 'x-amz-checksum-sha256': sha256 }))
    const s3 = { endpoint, region: 'us-east-1', accessKeyId: 'AKIATEST', secretAccessKey: 'secret', provider: 'other' }
    const gateway = await startGateway({ storage: { driver: 's3', delivery: 'proxied', s3 } })
    onTestFinished(() => gateway.close())
    const { url } = await gateway.gateway.driver.presignDownload({ bucket: 'postern', key: 'a' }, { expiresIn: 60 })
    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    return answer.arrayBuffer().then(Buffer.from, () => null)
  }
  expect((await download(data))?.equals(data)).toBe(true)
  expect(await download(changed(299_999))).toBe(null)
})
