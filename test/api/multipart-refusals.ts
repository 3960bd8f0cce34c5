/** What must not become a file, and must not be done with someone's upload. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { call, downloadText, put, sha256, stateOf, textFile, upload, type Caller } from './caller.ts'
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

export function multipartRefusals({ start, shared, newUser, expectGone }: Bench): void {
  describe('is not joined', () => {
    test('from parts that are not there, not as listed, out of order or too small; then it is', async () => {
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

    test('it is larger than any file may be, or than the quota', async () => {
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

  test('a URL serves its part alone', async () => {
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

  test('is its own user’s, and 404 to everyone else', async () => {
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
      (await Promise.all(all)).map(({ status, json: { requestId: _, ...rest } }) => {
        expect(status).toBe(404)
        return JSON.stringify(rest).replaceAll(absent, begun.id)
      })
    expect(await words(attempts(begun.id, begun.key))).toEqual(await words(attempts(absent, `uploads/${absent}.txt`)))
    expect(await stateOf(alice)).toEqual(before)
    expect((await complete(alice, begun.id)).status).toBe(201)
    await Promise.all((await Promise.all(attempts(begun.id, begun.key))).map(({ status }) => expect(status).toBe(404)))
  })

  test('is not taken for an upload in one request, nor that for one in parts', async () => {
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
    for (const { status, json } of await Promise.all(wrong())) expect([status, json.code]).toEqual([400, 'InvalidRequest'])
    expect(await stateOf(alice)).toEqual(before)
    expect((await alice.post('/files/confirm', { id: whole.id })).status).toBe(201)
    for (const { status } of await Promise.all(wrong())) expect(status).toBe(400)
    expect(await downloadText(alice, whole.id)).toBe('whole')
    expect((await complete(alice, parted.id)).status).toBe(201)
  })

  test('is begun within the limits of every upload', async () => {
    const limited = await start({ quotas: { userBytes: 100 }, uploads: { maxSize: 1000, allowPublic: false } })
    try {
      const bob = await newUser(limited)
      const before = await openUploads(limited)
      for (const [fields, status, code] of [
        [{ size: 1001 }, 413, 'EntityTooLarge'],
        [{ size: 101 }, 403, 'QuotaExceeded'],
        [{ mimeType: 'application/x-sh' }, 415, 'TypeNotAllowed'],
        [{ visibility: 'public' }, 403, 'AccessDenied'],
        [{ filename: '' }, 400, 'InvalidArgument'],
        [{ partSize: 0 }, 400, 'InvalidArgument'],
        [{ expiresIn: 0 }, 400, 'InvalidArgument'],
        [{ uploadId: 'mine' }, 400, 'InvalidArgument'],
        [{ owner: 'alice' }, 400, 'InvalidArgument'],
        [{ method: 'PUT' }, 400, 'InvalidArgument'],
      ] as const) {
        const answer = await bob.post('/files/multipart', { ...textFile, ...fields })
        expect([answer.status, answer.json.code]).toEqual([status, code])
      }
      expect((await bob.get('/files/usage')).json).toMatchObject({ reservedBytes: 0, reservedFiles: 0 })

      const half = { ...textFile, size: 50 }
      const answers = await Promise.all(Array.from({ length: 20 }, () => bob.post('/files/multipart', half)))
      const begun = answers.filter(({ status }) => status === 200).map(({ json }) => json)
      expect(begun).toHaveLength(2)
      expect(new Set(answers.map(({ json }) => json.code))).toEqual(new Set([undefined, 'QuotaExceeded']))
      expect((await bob.get('/files/usage')).json).toMatchObject({ reservedBytes: 100, reservedFiles: 2 })
      expect(new Set(await openUploads(limited, before))).toEqual(new Set(begun.map(({ key }) => key)))
      for (const { id } of begun) expect((await bob.delete(`/files/multipart/${id}`)).status).toBe(204)
    } finally {
      await limited.close()
    }
  })

  test('is counted against the rate of new uploads, its parts are not', async () => {
    const limited = await start({ limits: { issuePerMinute: 2 } })
    try {
      const bob = await newUser(limited)
      const { id } = await begin(bob)
      for (let call = 0; call < 5; call++) await partUrls(bob, id, [1, 2])
      expect((await bob.post('/files/upload-url', textFile)).status).toBe(200)
      const { status, headers } = await bob.post('/files/multipart', textFile)
      expect([status, Number(headers.get('retry-after')) > 0]).toEqual([429, true])
      await bob.delete(`/files/multipart/${id}`)
    } finally {
      await limited.close()
    }
  })

  test('is asked for in a form that can be understood', async () => {
    const alice = await newUser()
    const { id } = await begin(alice)
    const asked = [[], [0], [-1], [10_001], [1.5], ['1'], [null], 'all', Array.from({ length: 1001 }, (_, n) => n + 1)]
    for (const partNumbers of [...asked, undefined]) {
      const { status, json } = await alice.post(`/files/multipart/${id}/parts`, { partNumbers })
      expect([status, json.code]).toEqual([400, 'InvalidArgument'])
    }
    const listed = [[], {}, [1], [{ partNumber: 1 }], [{ partNumber: 0, etag: 'x' }], [{ partNumber: 1, etag: '' }]]
    for (const parts of [...listed, [{ partNumber: 1, etag: 'x', size: 1 }]]) {
      const { status, json } = await complete(alice, id, { parts })
      expect([status, json.code]).toEqual([400, 'InvalidArgument'])
    }
    expect((await complete(alice, 'no-id')).status).toBe(404)
    const long = Array.from({ length: 10_000 }, (_, at) => ({ partNumber: at + 1, etag: `"${'0'.repeat(32)}"` }))
    // Understood: it is the parts that are not there.
    const answer = await complete(alice, id, { parts: long })
    expect([answer.status, answer.json.code]).toEqual([400, 'InvalidPart'])
    const issued = { uploadUrl: (await partUrls(alice, id, [1]))[0]!.url, headers: {} }
    expect((await put(issued, 'still good')).status).toBe(200)
  })
}
