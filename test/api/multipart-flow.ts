/** Normal use of multipart uploads. */
import { describe, expect, test } from 'vitest'
import { call, download, sha256, textFile } from './caller.ts'
import { collect } from './collect.ts'
import type { Bench } from './invariants.ts'
import {
  begin,
  complete,
  joinInStore,
  letters,
  minPart,
  openUploads,
  partUrls,
  putPart,
  sendParts,
  storedParts,
  writeTinyParts,
} from './multipart-caller.ts'

export function multipartFlow({ start, shared, newUser, expectGone }: Bench): void {
  const chunks = [letters('a', minPart + 7), letters('b', minPart), letters('c', 100)]
  const whole = Buffer.concat(chunks)
  const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

  describe('becomes a file', () => {
    test('from concurrent parts of any size, and returns the same file when it is completed again', async () => {
      const alice = await newUser()
      const begun = await begin(alice, { size: whole.length, metadata: { album: '2026' } })
      expect(begun).toMatchObject({ partSize: 8 * 1024 * 1024, partCount: 2, uploadId: expect.any(String) })
      expect(Date.parse(begun.expiresAt)).toBeGreaterThan(Date.now())
      expect((await alice.get('/files/usage')).json).toMatchObject({ reservedBytes: whole.length, reservedFiles: 1 })
      const parts = await sendParts(alice, begun.id, chunks)

      const first = await complete(alice, begun.id, { parts })
      expect(first.status).toBe(201)
      expect(first.headers.get('location')).toBe(`/files/${begun.id}`)
      expect(first.json).toMatchObject({
        id: begun.id,
        key: begun.key,
        url: `/files/${begun.id}`,
        status: 'confirmed',
        filename: 'note.txt',
        mimeType: 'text/plain',
        size: whole.length,
        metadata: { album: '2026' },
      })
      for (const body of [{ parts }, {}, { parts: parts.slice(1) }]) {
        const again = await complete(alice, begun.id, body)
        expect([again.status, again.json]).toEqual([200, first.json])
      }
      expect((await bytesOf(await download(alice, begun.id))).equals(whole)).toBe(true)
      expect((await alice.get('/files/usage')).json).toMatchObject({ bytes: whole.length, files: 1, reservedBytes: 0 })
      expect((await alice.get(`/files/multipart/${begun.id}/parts`)).status).toBe(409)
      expect((await alice.post(`/files/multipart/${begun.id}/parts`, { partNumbers: [1] })).status).toBe(409)
    })

    test('after an interruption, by sending only the missing parts again', async () => {
      const alice = await newUser()
      const begun = await begin(alice, { size: whole.length, partSize: minPart })
      await sendParts(alice, begun.id, [chunks[0]!])
      await sendParts(alice, begun.id, [chunks[2]!], 3)
      const { json } = await alice.get(`/files/multipart/${begun.id}/parts`)
      const { id, key, uploadId, partSize, partCount } = begun
      expect(json).toMatchObject({ id, key, uploadId, partSize, partCount })
      const listed = await storedParts(alice, id)
      expect(listed.map(({ partNumber, size }) => [partNumber, size])).toEqual([
        [1, chunks[0]!.length],
        [3, chunks[2]!.length],
      ])
      const [second] = await sendParts(alice, id, [chunks[1]!], 2)
      const bare = { partNumber: 2, etag: second!.etag.replaceAll('"', '') }
      const quoted = listed.map(({ partNumber, etag }) => ({ partNumber, etag: `"${etag.replaceAll('"', '')}"` }))
      expect((await complete(alice, id, { parts: [quoted[0], bare, quoted[1]] })).status).toBe(201)
      expect((await bytesOf(await download(alice, id))).equals(whole)).toBe(true)
    })

    test('if the process that joined its parts ended before it could confirm', async () => {
      const alice = await newUser()
      for (const finish of ['complete', 'complete with parts', 'confirm']) {
        const begun = await begin(alice, { size: 9 })
        const parts = await sendParts(alice, begun.id, [letters('z', 9)])
        await joinInStore(shared(), begun, parts)
        expect((await alice.get(`/files/multipart/${begun.id}/parts`)).status).toBe(409)
        const answer =
          finish === 'confirm'
            ? await alice.post('/files/confirm', { key: begun.key })
            : await complete(alice, begun.id, finish === 'complete' ? {} : { parts })
        expect([answer.status, answer.json.size]).toEqual([201, 9])
      }
    })

    test('by the next pass of the collector with autoConfirm, once its parts are joined', async () => {
      const alice = await newUser()
      const begun = await begin(alice, { autoConfirm: true })
      const parts = await sendParts(alice, begun.id, [letters('z', 9)])
      expect((await alice.get(`/files/${begun.id}`)).json.status).toBe('pending')
      await joinInStore(shared(), begun, parts)
      await collect(shared())
      expect((await alice.get(`/files/${begun.id}`)).json).toMatchObject({ status: 'confirmed', size: 9 })
      expect((await complete(alice, begun.id)).status).toBe(200)
    })

    test('that is public, and that is empty', async () => {
      const alice = await newUser()
      const open = await begin(alice, { visibility: 'public' })
      await sendParts(alice, open.id, [letters('p', 10)])
      expect([403, 404]).toContain((await call(open.publicUrl!)).status)
      const { json } = await complete(alice, open.id)
      for (const url of [open.publicUrl!, json.publicUrl!]) expect(await (await fetch(url)).text()).toBe('pppppppppp')

      const empty = await begin(alice, { size: 0 })
      expect(empty.partCount).toBe(1)
      await sendParts(alice, empty.id, [letters('-', 0)])
      expect((await complete(alice, empty.id)).json).toMatchObject({ size: 0, status: 'confirmed' })
    })
  })

  test('is read to compute the declared checksum', async () => {
    const alice = await newUser()
    const promise = async (value: string) => {
      const begun = await begin(alice, { checksum: { algorithm: 'sha256', value } })
      await sendParts(alice, begun.id, chunks)
      return { key: begun.key, answer: await complete(alice, begun.id) }
    }
    const kept = await promise(sha256(whole))
    expect([kept.answer.status, kept.answer.json.checksum?.value]).toEqual([201, sha256(whole)])
    const broken = await promise(sha256('other'))
    expect(broken.answer.status).toBe(422)
    await expectGone(broken.key)
    const crc32c = { algorithm: 'crc32c', value: 'AAAAAA==' }
    expect((await alice.post('/files/multipart', { ...textFile, checksum: crc32c })).status).toBe(422)
  })

  test('accepts a part again, and keeps the last one', async () => {
    const alice = await newUser()
    const { id } = await begin(alice)
    const [url] = await partUrls(alice, id, [1])
    await putPart(url!, letters('x', 40))
    await putPart(url!, letters('y', 3))
    expect(await storedParts(alice, id)).toMatchObject([{ partNumber: 1, size: 3 }])
    expect((await complete(alice, id)).status).toBe(201)
    expect(await (await download(alice, id)).text()).toBe('yyy')
  })

  test('plans parts for any allowed size', async () => {
    const large = await start({ uploads: { maxSize: '5TiB', partSize: '16MiB' }, quotas: { userBytes: null } })
    try {
      const bob = await newUser(large)
      const before = await openUploads(large)
      const tera = 2 ** 40
      const planned = async (fields: object) => {
        const { id, partSize, partCount } = await begin(bob, fields)
        expect((await bob.delete(`/files/multipart/${id}`)).status).toBe(204)
        return [partSize, partCount]
      }
      expect(await planned({ size: 16 * 2 ** 20 + 1 })).toEqual([16 * 2 ** 20, 2])
      expect(await planned({ size: tera })).toEqual([Math.ceil(tera / 9000), 9000])
      expect(await planned({ size: 100 * 2 ** 20, partSize: 10 * 2 ** 20 })).toEqual([10 * 2 ** 20, 10])
      expect(await planned({ size: 100 * 2 ** 20, partSize: 1 })).toEqual([minPart, 20])
      expect(await planned({})).toEqual([Math.ceil((5 * tera) / 9000), null])
      expect(await openUploads(large, before)).toEqual([])
    } finally {
      await large.close()
    }
  })

  test('lists more parts than a page of the store holds', async () => {
    const alice = await newUser()
    const begun = await begin(alice)
    await writeTinyParts(shared(), begun, 1003)
    const listed = await storedParts(alice, begun.id)
    expect(listed.map(({ partNumber }) => partNumber)).toEqual(Array.from({ length: 1003 }, (_, at) => at + 1))
    expect((await complete(alice, begun.id)).json.code).toBe('EntityTooSmall')
    expect((await alice.delete(`/files/multipart/${begun.id}`)).status).toBe(204)
  }, 60_000)

  test('gets URLs for the requested time, and each call extends it', async () => {
    const alice = await newUser()
    const begun = await begin(alice, { expiresIn: 60 })
    const [short] = await partUrls(alice, begun.id, [1], { expiresIn: 30 })
    expect(short).toMatchObject({ partNumber: 1, expiresIn: 30, headers: {} })
    const many = await partUrls(alice, begun.id, [10_000, 2, 2], { expiresIn: 3600 })
    expect(many.map(({ partNumber }) => partNumber)).toEqual([10_000, 2])
    const { json } = await alice.get(`/files/multipart/${begun.id}/parts`)
    expect(Date.parse(json.expiresAt) - Date.parse(begun.expiresAt)).toBeGreaterThan(3500 * 1000)
  })
}
