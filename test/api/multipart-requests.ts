/** Limits and validation of requests for multipart uploads. */
import { expect, test } from 'vitest'
import { put, textFile } from './caller.ts'
import type { Bench } from './invariants.ts'
import { begin, complete, openUploads, partUrls } from './multipart-caller.ts'

export function multipartRequests({ start, newUser }: Bench): void {
  test('starts within the limits of every upload', async () => {
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

  test('counts against the rate of new uploads, its parts do not', async () => {
    const limited = await start({ limits: { issuePerMinute: 2 } })
    try {
      const bob = await newUser(limited)
      const { id } = await begin(bob)
      for (let time = 0; time < 5; time++) await partUrls(bob, id, [1, 2])
      expect((await bob.post('/files/upload-url', textFile)).status).toBe(200)
      const { status, headers } = await bob.post('/files/multipart', textFile)
      expect([status, Number(headers.get('retry-after')) > 0]).toEqual([429, true])
      await bob.delete(`/files/multipart/${id}`)
    } finally {
      await limited.close()
    }
  })

  test('is validated', async () => {
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
