/** Invariants 1 to 5: the life of an upload. */
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import {
  as,
  call,
  downloadText,
  put,
  sha256,
  stateOf,
  store,
  textFile,
  upload,
  type Caller,
  type Json,
} from './caller.ts'
import { html, type Bench } from './invariants.ts'

export function uploadInvariants({ start, newUser, expectGone }: Bench): void {
  async function expectRemoved(who: Caller, { id, key }: Json) {
    await expectGone(key)
    const usage = await who.get('/files/usage')
    expect(usage.json).toMatchObject({ bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 })
    expect((await who.get(`/files/${id}`)).status).toBe(404)
    expect((await who.post('/files/confirm', { id })).status).toBe(404)
  }

  describe("1. records contain the store's facts", () => {
    test.each<[string, object]>([
      ['size', { size: 3 }],
      ['type', { mimeType: 'image/png' }],
      ['checksum', { checksum: { algorithm: 'sha256', value: sha256('other') } }],
    ])('a confirm that lies about the %s is 422, and nothing is left', async (_, lie) => {
      const alice = await newUser()
      const issued = await upload(alice, 'some bytes')
      const { status, json } = await alice.post('/files/confirm', { id: issued.id, ...lie })
      expect([status, json.code]).toEqual([422, 'UploadMismatch'])
      await expectRemoved(alice, issued)
    })

    test('HTML sent to an image URL is 422, and leaves nothing', async () => {
      const alice = await newUser()
      const issued = await upload(alice, html, { filename: 'a.png', mimeType: 'image/png' })
      expect((await alice.post('/files/confirm', { key: issued.key })).status).toBe(422)
      await expectRemoved(alice, issued)
    })

    test('a wrong size in the request never becomes a file', async () => {
      const alice = await newUser()
      const { json: issued } = await alice.post('/files/upload-url', { ...textFile, size: 4 })
      const sent = await put(issued, 'five!')
      const confirmed = await alice.post('/files/confirm', { id: issued.id })
      expect([sent.status, confirmed.status]).toEqual([403, 409])
    })

    test('a wrong checksum in the request never becomes a file', async () => {
      const alice = await newUser()
      const checksum = { algorithm: 'sha256', value: sha256('promised') }
      const { json: issued } = await alice.post('/files/upload-url', { ...textFile, checksum })
      await put(issued, 'other bytes')
      const { status } = await alice.post('/files/confirm', { id: issued.id })
      expect([409, 422]).toContain(status)
    })

    test('a matching upload is recorded', async () => {
      const alice = await newUser()
      const checksum = { algorithm: 'sha256', value: sha256('promised') }
      const issued = await upload(alice, 'promised', { size: 8, checksum })
      const { status, json } = await alice.post('/files/confirm', {
        key: issued.key,
        filename: 'new name.txt',
        mimeType: 'text/plain',
        size: 8,
        checksum,
      })
      expect(status).toBe(201)
      expect(json).toMatchObject({
        size: 8,
        checksum,
        mimeType: 'text/plain',
        filename: 'new name.txt',
        status: 'confirmed',
      })
    })

    test('a confirm before the bytes arrive is 409, and the upload continues', async () => {
      const alice = await newUser()
      const { json: issued } = await alice.post('/files/upload-url', textFile)
      const early = await alice.post('/files/confirm', { id: issued.id })
      expect([early.status, early.json.code]).toEqual([409, 'UploadIncomplete'])
      expect((await put(issued, 'late')).status).toBe(200)
      expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(201)
    })
  })

  describe('2. after confirm the bytes never change', () => {
    const attacks = ['PUT', 'POST', 'DELETE', 'PATCH'] as const

    test.each([{}, { size: 5 }, { writeOnce: true }, { visibility: 'public' }])(
      'whatever is done with the URL of an upload %j',
      async (fields) => {
        const alice = await newUser()
        const issued = await upload(alice, 'first', fields)
        const { json: renewed } = await alice.post(`/files/${issued.id}/upload-url`)
        const { json: file } = await alice.post('/files/confirm', { id: issued.id })
        for (const { uploadUrl, headers } of [issued, renewed]) {
          for (const method of attacks) {
            await call(uploadUrl, { method, headers, ...(method === 'DELETE' ? {} : { body: 'OTHER' }) })
            expect(await downloadText(alice, issued.id)).toBe('first')
          }
        }
        const shown = file.publicUrl ? await (await fetch(file.publicUrl)).text() : 'first'
        expect(shown).toBe('first')
        expect((await alice.get(`/files/${issued.id}`)).json).toMatchObject({ size: 5, status: 'confirmed' })
      },
    )

    test('also if a PUT races the confirm, 100 times', async () => {
      const alice = await newUser()
      let confirmed = 0
      for (let round = 0; round < 100; round++) {
        const issued = await upload(alice, 'before')
        const racing = Array.from({ length: 2 }, () => put(issued, 'after it'))
        const { status, json } = await alice.post('/files/confirm', { id: issued.id })
        await Promise.all(racing)
        expect([201, 409]).toContain(status)
        if (status !== 201) continue
        confirmed += 1
        const served = await downloadText(alice, issued.id)
        expect(served.length).toBe(json.size)
        await put(issued, 'and later')
        expect(await downloadText(alice, issued.id)).toBe(served)
      }
      expect(confirmed).toBeGreaterThan(0)
    }, 120_000)

    test('two confirms at once: one 201, one 200, the same body', async () => {
      const alice = await newUser()
      for (let round = 0; round < 10; round++) {
        const { id } = await upload(alice, 'once')
        const answers = await Promise.all([1, 2, 3].map(() => alice.post('/files/confirm', { id })))
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 201])
        expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
        expect(await downloadText(alice, id)).toBe('once')
      }
    })
  })

  describe('3. an upload belongs to its user', () => {
    test.each(['pending', 'confirmed'])('a %s one is 404 to everyone else', async (state) => {
      const alice = await newUser()
      const { id, key } = state === 'pending' ? await upload(alice, 'hers') : await store(alice, 'hers')
      const before = await stateOf(alice)
      const eve = await newUser()
      const absent = randomUUID()
      const attempts = (file: string, name: string) => [
        eve.post('/files/confirm', { id: file }),
        eve.post('/files/confirm', { key: name }),
        eve.post(`/files/${file}/upload-url`),
        eve.get(`/files/${file}`),
        eve.get(`/files/${file}/download-url`),
        eve.get(`/files/${file}/content`),
        eve.patch(`/files/${file}`, { filename: 'mine.txt' }),
        eve.delete(`/files/${file}`),
      ]
      const answers = await Promise.all(attempts(id, key))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404))
      const others = await Promise.all(attempts(absent, `uploads/${absent}.txt`))
      // Nothing tells a stranger's file from none: but for what was asked, the answers are the same.
      const words = (all: typeof answers) => all.map(({ json }) => ({ ...json, requestId: '' }))
      expect(words(answers)).toEqual(words(others))
      expect((await eve.get('/files')).json.files).toEqual([])
      expect(await stateOf(alice)).toEqual(before)
    })
  })

  describe('4. the quota is never exceeded', () => {
    test('50 requests at once for one file', async () => {
      const limited = await start({ quotas: { userFiles: 1 } })
      try {
        const bob = await newUser(limited)
        const answers = await Promise.all(Array.from({ length: 50 }, () => bob.post('/files/upload-url', textFile)))
        expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
        const refused = answers.filter(({ status }) => status !== 200)
        expect(new Set(refused.map(({ status, json }) => `${status} ${json.code}`))).toEqual(
          new Set(['403 QuotaExceeded']),
        )
      } finally {
        await limited.close()
      }
    })

    test('concurrent requests for more bytes than available, and an undeclared size', async () => {
      const limited = await start({ quotas: { userBytes: 100 }, uploads: { maxSize: 1000 } })
      try {
        const bob = await newUser(limited)
        const half = { ...textFile, size: 50 }
        const answers = await Promise.all(Array.from({ length: 20 }, () => bob.post('/files/upload-url', half)))
        expect(answers.filter(({ status }) => status === 200)).toHaveLength(2)
        const [first, second] = answers.filter(({ status }) => status === 200).map(({ json }) => json)
        await bob.delete(`/files/${first?.id}`)
        expect((await put(second!, 'x'.repeat(50))).status).toBe(200)
        expect((await bob.post('/files/confirm', { id: second?.id })).status).toBe(201)
        expect((await bob.get('/files/usage')).json).toMatchObject({ bytes: 50, files: 1, reservedBytes: 0 })

        const { json: untold } = await bob.post('/files/upload-url', textFile)
        const sent = await put(untold, 'x'.repeat(60))
        expect((await bob.get('/files/usage')).json).toMatchObject({ bytes: 50, reservedBytes: 50 })
        const { status, json } = await bob.post('/files/confirm', { id: untold.id })
        // A bucket takes what an unsized URL brings. Our own endpoint takes no more than was reserved.
        const bucketTakes = [200, 403, 'QuotaExceeded']
        const isBucket = limited.objectsUrl === ''
        expect([sent.status, status, json.code]).toEqual(isBucket ? bucketTakes : [400, 409, 'UploadIncomplete'])
        await bob.delete(`/files/${untold.id}`)
        await expectGone(untold.key, limited)
        expect((await bob.get('/files/usage')).json).toMatchObject({ bytes: 50, files: 1, reservedBytes: 0 })

        const small = await store(bob, 'x'.repeat(10))
        expect((await bob.get('/files/usage')).json).toMatchObject({ bytes: 60, files: 2, reservedBytes: 0 })
        await bob.delete(`/files/${small.id}`)
        expect((await bob.get('/files/usage')).json).toMatchObject({ bytes: 50, files: 1 })
      } finally {
        await limited.close()
      }
    })
  })

  describe('5. unconfirmed uploads are deleted', () => {
    test('with object, row and reservation, and nothing else', async () => {
      let ahead = 0
      const timed = await start({ uploads: { confirmWithin: '1h' } }, { now: () => new Date(Date.now() + ahead) })
      try {
        const { gateway: g } = timed
        const bob = await as(timed, `user-${randomUUID()}`, { exp: Math.floor(Date.now() / 1000) + 86_400 })
        const kept = await store(bob, 'kept')
        const sent = await upload(bob, 'never confirmed')
        const { json: unsent } = await bob.post('/files/upload-url', textFile)
        const deps = {
          ...g,
          now: () => new Date(Date.now() + ahead),
          log: pino({ level: 'silent' }),
          urls: { api: () => timed.apiUrl },
        }
        await collectExpired(deps)
        expect((await bob.get('/files')).json.files).toHaveLength(3)
        ahead = 3 * 3600 * 1000
        await collectExpired(deps)
        expect((await bob.get('/files')).json.files.map(({ id }) => id)).toEqual([kept.id])
        expect((await bob.get('/files/usage')).json).toMatchObject({
          bytes: 4,
          files: 1,
          reservedBytes: 0,
          reservedFiles: 0,
        })
        await expectGone(sent.key, timed)
        for (const { id } of [sent, unsent]) expect((await bob.post('/files/confirm', { id })).status).toBe(404)
        ahead = 0
        expect(await downloadText(bob, kept.id)).toBe('kept')
      } finally {
        await timed.close()
      }
    })
  })
}
