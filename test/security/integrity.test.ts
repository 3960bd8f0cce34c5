/** Security case 118 over real HTTP: damaged bytes never produce a response that looks complete. */
import { createHash, randomBytes } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blobFilesOf, flipBit, inIndex } from '../fixtures/damage.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'

const MiB = 1024 * 1024
const bucket = 'postern'
let gateway: RunningGateway
beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

const store = (): string => join(gateway.dir, 'storage')
const body = (data: Buffer): Readable => Readable.from([data], { objectMode: false })

async function putObject(key: string, size: number): Promise<Buffer> {
  const data = randomBytes(size)
  await gateway.gateway.driver.putObject({ bucket, key }, body(data), { contentLength: size })
  return data
}

async function putParts(key: string, sizes: readonly number[]): Promise<Buffer> {
  const { driver } = gateway.gateway
  const ref = { bucket, key }
  const { uploadId } = await driver.createMultipartUpload(ref)
  const parts = sizes.map((size) => randomBytes(size))
  const listed = []
  for (const [i, data] of parts.entries()) {
    const { etag } = await driver.uploadPart(ref, uploadId, i + 1, body(data), { contentLength: data.length })
    listed.push({ partNumber: i + 1, etag })
  }
  await driver.completeMultipartUpload(ref, uploadId, listed)
  return Buffer.concat(parts)
}

const url = async (key: string): Promise<string> =>
  (await gateway.gateway.driver.presignDownload({ bucket, key }, { expiresIn: 60 })).url

/** What a client has in the end: a whole body, a refusal, or an error while it was reading. */
async function read(key: string, headers: Record<string, string> = {}): Promise<Buffer | 'refused' | 'cut off'> {
  const answer = await fetch(await url(key), { headers })
  try {
    const bytes = Buffer.from(await answer.arrayBuffer())
    return answer.ok ? bytes : 'refused'
  } catch {
    return 'cut off'
  }
}

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex')

describe.each([
  ['a small object', 50_000],
  ['an object of one read', 256 * 1024],
  ['an object of several reads', 3 * MiB + 17],
])('%s of %i bytes', (_, size) => {
  it.each([
    ['first', 0],
    ['middle', Math.floor(size / 2)],
    ['last', -1],
  ])('is not served with its %s byte changed, read for the first time or again', async (where, at) => {
    const key = `${size}-${where}`
    const data = await putObject(key, size)
    // The blob is open and its blocks count as cached when the bit flips.
    expect(sha256((await read(key)) as Buffer)).toBe(sha256(data))
    const [blob] = blobFilesOf(store(), key) as [string]
    await flipBit(blob, at)
    // Known before the first byte is out where it lies in the first read.
    const end = size <= 256 * 1024 || at === 0 ? 'refused' : 'cut off'
    expect([await read(key), await read(key)]).toEqual([end, end])
    await flipBit(blob, at)
    expect(sha256((await read(key)) as Buffer)).toBe(sha256(data))
  })
})

describe('an object made of parts', () => {
  const sizes = [5 * MiB, 5 * MiB + 1, 100]
  it.each([0, 1, 2])('is not served if its part %i is damaged', async (part) => {
    const key = `parts-${part}`
    await putParts(key, sizes)
    await flipBit(blobFilesOf(store(), key)[part]!, -1)
    expect(await read(key)).toBe('cut off')
  })

  it('is not served if a part is missing, in the files or in the index', async () => {
    await putParts('parts-gone', sizes)
    await unlink(blobFilesOf(store(), 'parts-gone')[1]!)
    expect(await read('parts-gone')).toBe('cut off')
    await putParts('parts-lost', sizes)
    inIndex(store(), (db) => db.exec('DELETE FROM segments WHERE size = 100 AND start > 0'))
    expect(await read('parts-lost')).toBe('refused')
  })
})

describe('a range', () => {
  it('is refused if it touches a damaged block, and is served otherwise', async () => {
    const data = await putObject('ranges', 2 * MiB)
    await flipBit(blobFilesOf(store(), 'ranges')[0]!, MiB)
    const block = 64 * 1024
    const part = (from: number, to: number) => read('ranges', { range: `bytes=${from}-${to}` })
    expect(await part(MiB - block, MiB - 1)).toEqual(data.subarray(MiB - block, MiB))
    expect(await part(MiB + block, MiB + block + 9)).toEqual(data.subarray(MiB + block, MiB + block + 10))
    // Within the same block the wanted bytes may be right; nobody can tell.
    expect(await part(MiB + 1, MiB + 1)).toBe('refused')
    expect(await part(0, 2 * MiB - 1)).toBe('cut off')
  })
})

describe('an object with a missing blob', () => {
  it.each([1000, 3 * MiB])('is an error before the response starts, at %i bytes', async (size) => {
    await putObject(`gone-${size}`, size)
    await unlink(blobFilesOf(store(), `gone-${size}`)[0]!)
    const answer = await fetch(await url(`gone-${size}`))
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('<Code>InternalError</Code>')])
  })

  it('is an error too if the index has no row for it', async () => {
    await putObject('unknown', 1000)
    inIndex(store(), (db) =>
      db.exec("DELETE FROM blobs WHERE id = (SELECT content FROM objects WHERE key = 'unknown')"),
    )
    expect((await fetch(await url('unknown'))).status).toBe(500)
  })
})
