/**
 * The thread that hashes large uploads gives the same digests as the event loop, also after dropped bodies, a lost
 * thread and overload.
 */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startDigests } from '../../src/drivers/disk/digests.ts'
import { HashThread, type Lane } from '../../src/drivers/disk/hash-thread.ts'
import { bodyOf, bytesOf, codeOf, collect } from '../conformance/driver/suite-tools.ts'
import { blobFiles, diskFixture, tempFiles } from './disk-fixture.ts'

const blockSize = 1000

let thread: HashThread
beforeEach(() => {
  thread = new HashThread({ blockSize })
})
afterEach(() => thread.close())

const blocksOf = (data: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(data.length / blockSize) }, (_, i) =>
    data.subarray(i * blockSize, (i + 1) * blockSize),
  )

async function feed(lane: Lane, data: Buffer): Promise<void> {
  for (const piece of blocksOf(data)) {
    const block = await lane.update([piece.subarray(0, 7), piece.subarray(7)])
    expect(block.bytes.equals(piece)).toBe(true)
    block.written()
  }
}

const want = { sha256: true, checksum: 'crc64nvme' } as const

describe('hashing in a thread', () => {
  it('gives the same digests as the event loop, for several bodies at once', async () => {
    const bodies = [1, 999, 1000, 123_456].map((size) => bytesOf(size))
    const results = await Promise.all(
      bodies.map(async (data) => {
        const lane = thread.begin(want)!
        await feed(lane, data)
        return lane.finish()
      }),
    )
    results.forEach((digests, i) => {
      const expected = startDigests(want)
      expected.update(bodies[i]!)
      expect(digests).toEqual(expected.finish())
    })
  })

  it('accepts four bodies at a time, and the next after one has finished or was dropped', async () => {
    const lanes = [1, 2, 3, 4].map(() => thread.begin(want)!)
    expect(thread.begin(want)).toBeNull()
    await lanes[0]!.finish()
    expect(thread.begin(want)).not.toBeNull()
    lanes[1]!.drop()
    lanes[1]!.drop()
    expect(thread.begin(want)).not.toBeNull()
    expect(thread.begin(want)).toBeNull()
  })

  it('rejects the wait of a dropped body, and affects no other', async () => {
    const [dropped, kept] = [thread.begin(want)!, thread.begin(want)!]
    // No answer of the thread is heard before the loop turns.
    for (const piece of blocksOf(bytesOf(3000))) await dropped.update([piece])
    const waiting = codeOf(dropped.update([bytesOf(10)]))
    dropped.drop()
    expect(await waiting).toBe('IncompleteBody')
    const data = bytesOf(20_000)
    await feed(kept, data)
    expect((await kept.finish()).md5).toEqual(createHash('md5').update(data).digest())
  })

  it('fails running bodies when it is closed', async () => {
    const lane = thread.begin(want)!
    const finished = codeOf(lane.finish())
    await thread.close()
    expect(await finished).toBe('Unavailable')
  })
})

describe('a large upload', () => {
  it.each([1 << 20, (5 << 20) + 1, 20 << 20])(
    'of %i bytes in one chunk has the right digests and bytes',
    async (size) => {
      const fixture = await diskFixture({ fsync: 'none' })
      const ref = { bucket: 'postern', key: 'large' }
      const data = bytesOf(size)
      const written = await fixture.driver.putObject(ref, bodyOf(data), { contentLength: size })
      expect(written.etag).toBe(createHash('md5').update(data).digest('hex'))
      expect((await collect((await fixture.driver.getObject(ref)).stream())).equals(data)).toBe(true)
      await fixture.close()
    },
  )

  it('with a wrong digest is rejected and leaves nothing', async () => {
    const fixture = await diskFixture({ fsync: 'none' })
    const data = bytesOf(5 << 20)
    const md5 = createHash('md5').update('other').digest('base64')
    const put = fixture.driver.putObject({ bucket: 'postern', key: 'large' }, bodyOf(data), {
      contentLength: data.length,
      md5,
    })
    expect(await codeOf(put)).toBe('BadDigest')
    expect([await blobFiles(fixture.dir), await tempFiles(fixture.dir)]).toEqual([[], []])
    await fixture.close()
  })
})
