/** Multipart uploads that must not become a file, and requests of other users. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { call, downloadText, sha256, stateOf, upload, type Caller } from './caller.ts'
import { html, type Bench } from './invariants.ts'
import {
  begin,
  complete,
  letters,
  minPart,
  openUploads,
  partUrls,
  putPart,
  sendParts,
  storedParts,
} from './multipart-caller.ts'

export type Delivery = 'direct' | 'proxied'

export function multipartRefusals({ start, shared, newUser, expectGone }: Bench, delivery: Delivery): void {
  describe('is not joined', () => {
    test('from missing, changed, misordered or too small parts, and is joined after a correction', async () => {
      const alice = await newUser()
      const { id } = await begin(alice)
      const none = await complete(alice, id)
      expect([none.status, none.json.code]).toEqual([409, 'UploadIncomplete'])
      const [first, small, last] = await sendParts(alice, id, [letters('a', minPart), letters('b', 9), letters('c', 3)])
      const absent = { ...small, partNumber: 4 }
      for (const [parts, code] of [
        [[first, absent], 'InvalidPart'],
        [[{ ...first, etag: small!.etag }], 'InvalidPart'],
        [[{ ...first, etag: 'nothing' }], 'InvalidPart'],
        [[small, first], 'InvalidPartOrder'],
        [[first, first], 'InvalidPartOrder'],
        [[first, small, last], 'EntityTooSmall'],
        [undefined, 'EntityTooSmall'],
      ] as const) {
        const answer = await complete(alice, id, { parts })
        expect([answer.status, answer.json.code]).toEqual([400, code])
      }
      expect(await storedParts(alice, id)).toHaveLength(3)
      expect((await alice.get(`/files/${id}`)).json.status).toBe('pending')
      const [second] = await sendParts(alice, id, [letters('b', minPart)], 2)
      const { status, json } = await complete(alice, id, { parts: [first, second, last] })
      expect([status, json.size]).toEqual([201, 2 * minPart + 3])
    })

    test('while bytes of the declared size are missing', async () => {
      const alice = await newUser()
      const { id } = await begin(alice, { size: minPart + 5 })
      const parts = await sendParts(alice, id, [letters('a', minPart)])
      for (const body of [{}, { parts }]) {
        const early = await complete(alice, id, body)
        expect([early.status, early.json.code]).toEqual([409, 'UploadIncomplete'])
      }
      await sendParts(alice, id, [letters('b', 5)], 2)
      expect((await complete(alice, id)).status).toBe(201)
    })
  })

  describe('leaves nothing when', () => {
    test.each<[string, object, Buffer<ArrayBuffer>, object]>([
      ['it is larger than declared', { size: 5 }, letters('a', 6), {}],
      ['its bytes are of another type', { filename: 'a.png', mimeType: 'image/png' }, Buffer.from(html), {}],
      ['its completion lies about the size', {}, letters('a', 6), { size: 5 }],
      ['its completion lies about the type', {}, letters('a', 6), { mimeType: 'text/csv' }],
      [
        'its completion lies about the checksum',
        {},
        letters('a', 6),
        { checksum: { algorithm: 'sha256', value: sha256('b') } },
      ],
    ])('%s', async (_, granted, bytes, claims) => {
      const alice = await newUser()
      const begun = await begin(alice, granted)
      await sendParts(alice, begun.id, [bytes])
      const answer = await complete(alice, begun.id, claims)
      expect([answer.status, answer.json.code]).toEqual([422, 'UploadMismatch'])
      await expectNothing(alice, begun.key)
      expect((await complete(alice, begun.id)).status).toBe(404)
    })

    test('it is larger than the maximum file size, or than the quota', async () => {
      const limits = { uploads: { maxSize: minPart + 10 }, quotas: { userBytes: 2 * minPart } }
      const limited = await start(limits)
      try {
        const bob = await newUser(limited)
        const over = await begin(bob)
        await sendParts(bob, over.id, [letters('a', minPart), letters('b', 11)])
        expect((await complete(bob, over.id)).json.code).toBe('UploadMismatch')
        await expectNothing(bob, over.key, limited)

        const held = await begin(bob, { size: minPart + 10 })
        const rest = await begin(bob)
        expect((await bob.get('/files/usage')).json.reservedBytes).toBe(2 * minPart)
        await sendParts(bob, rest.id, [letters('a', minPart)])
        const answer = await complete(bob, rest.id)
        expect([answer.status, answer.json.code]).toEqual([403, 'QuotaExceeded'])
        await bob.delete(`/files/multipart/${held.id}`)
        await expectNothing(bob, rest.key, limited)
      } finally {
        await limited.close()
      }
    })

    async function expectNothing(who: Caller, key: string, of = shared()) {
      await expectGone(key, of)
      expect(await openUploads(of)).not.toContain(key)
      const usage = await who.get('/files/usage')
      expect(usage.json).toMatchObject({ bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 })
    }
  })

  test('a URL accepts only its part', async () => {
    const alice = await newUser()
    const mine = await begin(alice)
    const other = await begin(alice)
    const [issued] = await partUrls(alice, mine.id, [1])
    const { url } = issued!
    const changed = [
      url.replace('partNumber=1', 'partNumber=2'),
      url.replace(encodeURIComponent(mine.uploadId), encodeURIComponent(other.uploadId)),
      url.replace(mine.key, other.key),
      url.replace(/&?(partNumber|uploadId)=[^&]*/g, ''),
    ]
    expect(new Set([url, ...changed]).size).toBe(5)
    const refused = [
      ...changed.map((target) => call(target, { method: 'PUT', body: 'x' })),
      ...['GET', 'HEAD', 'DELETE', 'POST'].map((method) => call(url, { method })),
    ]
    const statuses = (await Promise.all(refused)).map(({ status }) => status)
    expect(statuses).toEqual(statuses.map(() => 403))
    expect([await storedParts(alice, mine.id), await storedParts(alice, other.id)]).toEqual([[], []])
    await Promise.all([mine, other].map(({ key }) => expectGone(key)))
    expect((await putPart(issued!, letters('x', 1))).status).toBe(200)
  })

  // In front of a bucket only its completion can be refused: the parts go past us.
  const passesHere = delivery !== 'direct' ? test : () => {}
  passesHere('cannot fill the store with what was never granted', async () => {
    const alice = await newUser()
    const { id, partSize } = await begin(alice, { size: minPart })
    const [first, far, more] = await partUrls(alice, id, [1, 9000, 9001])
    expect((await putPart(first!, letters('a', partSize))).status).toBe(200)
    expect((await putPart(far!, letters('b', minPart))).status).toBe(200)
    for (const [url, bytes] of [
      [more!, letters('c', 1)],
      [first!, letters('c', partSize + 1)],
    ] as const) {
      const refused = await putPart(url, bytes)
      expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('<Code>EntityTooLarge</Code>')])
    }
    // A part may be sent again as long as the whole fits.
    expect((await putPart(far!, letters('b', 7))).status).toBe(200)
    expect((await putPart(first!, letters('a', minPart - 7))).status).toBe(200)
    expect((await complete(alice, id)).json).toMatchObject({ code: 'EntityTooSmall' })
  })

  test('belongs to its user, and is 404 for everyone else', async () => {
    const alice = await newUser()
    const eve = await newUser()
    const begun = await begin(alice)
    const parts = await sendParts(alice, begun.id, [letters('a', 6)])
    const before = await stateOf(alice)
    const attempts = (id: string, key: string) => [
      eve.post(`/files/multipart/${id}/parts`, { partNumbers: [1] }),
      eve.get(`/files/multipart/${id}/parts`),
      complete(eve, id),
      complete(eve, id, { parts }),
      eve.delete(`/files/multipart/${id}`),
      eve.post('/files/confirm', { id }),
      eve.post('/files/confirm', { key }),
      eve.post(`/files/${id}/upload-url`),
      eve.delete(`/files/${id}`),
    ]
    const absent = randomUUID()
    const words = async (all: ReturnType<typeof attempts>) =>
      (await Promise.all(all)).map(({ status, json }) => {
        expect(status).toBe(404)
        return JSON.stringify({ ...json, requestId: '' }).replaceAll(absent, begun.id)
      })
    expect(await words(attempts(begun.id, begun.key))).toEqual(await words(attempts(absent, `uploads/${absent}.txt`)))
    expect(await stateOf(alice)).toEqual(before)
    expect((await complete(alice, begun.id)).status).toBe(201)
    await Promise.all((await Promise.all(attempts(begun.id, begun.key))).map(({ status }) => expect(status).toBe(404)))
  })

  test('is not mixed up with an upload in one request, or the reverse', async () => {
    const alice = await newUser()
    const parted = await begin(alice)
    await sendParts(alice, parted.id, [letters('a', 6)])
    const early = await alice.post('/files/confirm', { id: parted.id })
    expect([early.status, early.json.code]).toEqual([409, 'UploadIncomplete'])
    const renewed = await alice.post(`/files/${parted.id}/upload-url`)
    expect([renewed.status, renewed.json.code]).toEqual([400, 'InvalidRequest'])

    const whole = await upload(alice, 'whole')
    const before = await stateOf(alice)
    const wrong = () => [
      alice.post(`/files/multipart/${whole.id}/parts`, { partNumbers: [1] }),
      alice.get(`/files/multipart/${whole.id}/parts`),
      complete(alice, whole.id),
      alice.delete(`/files/multipart/${whole.id}`),
    ]
    for (const { status, json } of await Promise.all(wrong()))
      expect([status, json.code]).toEqual([400, 'InvalidRequest'])
    expect(await stateOf(alice)).toEqual(before)
    expect((await alice.post('/files/confirm', { id: whole.id })).status).toBe(201)
    for (const { status } of await Promise.all(wrong())) expect(status).toBe(400)
    expect(await downloadText(alice, whole.id)).toBe('whole')
    expect((await complete(alice, parted.id)).status).toBe(201)
  })
}
