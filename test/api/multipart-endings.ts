/** Completing, aborting and expiring multipart uploads, in every order and concurrently. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { RunningGateway } from '../fixtures/gateway.ts'
import { as, call, downloadText, store, type Answer, type Caller } from './caller.ts'
import { collect } from './collect.ts'
import type { Bench } from './invariants.ts'
import {
  begin,
  complete,
  joinInStore,
  letters,
  openUploads,
  partUrls,
  putPart,
  sendParts,
  type Begun,
} from './multipart-caller.ts'

export function multipartEndings({ start, shared, newUser, expectGone }: Bench): void {
  const statusOf = ({ status }: Answer) => status
  const abort = (who: Caller, { id }: Begun) => who.delete(`/files/multipart/${id}`)

  async function expectNothing(who: Caller, { id, key }: Begun, of: RunningGateway = shared()) {
    await expectGone(key, of)
    expect(await openUploads(of)).not.toContain(key)
    expect((await who.get(`/files/${id}`)).status).toBe(404)
    expect((await who.get('/files/usage')).json).toMatchObject({ files: 0, reservedBytes: 0, reservedFiles: 0 })
  }

  describe('completed concurrently', () => {
    test('by several requests: one creates the file, all return it', async () => {
      const alice = await newUser()
      for (let round = 0; round < 5; round++) {
        const { id } = await begin(alice)
        const parts = await sendParts(alice, id, [letters('a', 9)])
        const answers = await Promise.all([{}, { parts }, {}, { parts }].map((body) => complete(alice, id, body)))
        expect(answers.map(statusOf).toSorted()).toEqual([200, 200, 200, 201])
        expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
        expect(await downloadText(alice, id)).toBe('aaaaaaaaa')
      }
    }, 60_000)

    test('with an abort: either creates a file or leaves nothing', async () => {
      const alice = await newUser()
      for (let round = 0; round < 10; round++) {
        const begun = await begin(alice)
        await sendParts(alice, begun.id, [letters('a', 9)])
        const rivals = [() => complete(alice, begun.id), () => abort(alice, begun)]
        const late = rivals.splice(round % 2, 1)[0]!
        const [early, second] = await Promise.all([rivals[0]!(), late()])
        const [completed, aborted] = round % 2 === 0 ? [second, early] : [early, second]
        const wins = completed.status === 201
        expect([completed.status, aborted.status]).toEqual(wins ? [201, 409] : [404, 204])
        expect(wins ? await downloadText(alice, begun.id) : 'aaaaaaaaa').toBe('aaaaaaaaa')
        if (wins) await alice.delete(`/files/${begun.id}`)
        await expectNothing(alice, begun)
      }
    }, 60_000)
  })

  test('once complete, does not change by any use of its URLs', async () => {
    const alice = await newUser()
    for (const fields of [{}, { visibility: 'public' }]) {
      const begun = await begin(alice, fields)
      const urls = await partUrls(alice, begun.id, [1, 2])
      expect((await putPart(urls[0]!, letters('a', 9))).status).toBe(200)
      const { json } = await complete(alice, begun.id)
      for (const { url } of urls) {
        for (const method of ['PUT', 'POST', 'DELETE']) {
          const { status } = await call(url, { method, ...(method === 'DELETE' ? {} : { body: 'OTHER' }) })
          expect(status).toBeGreaterThanOrEqual(403)
        }
      }
      expect(await downloadText(alice, begun.id)).toBe('aaaaaaaaa')
      const shown = json.publicUrl ? await (await fetch(json.publicUrl)).text() : 'aaaaaaaaa'
      expect(shown).toBe('aaaaaaaaa')
      expect((await complete(alice, begun.id)).text).toBe(JSON.stringify(json))
      const refused = await abort(alice, begun)
      expect([refused.status, refused.json.code]).toEqual([409, 'ConditionalConflict'])
      expect(await openUploads(shared())).not.toContain(begun.key)
      await alice.delete(`/files/${begun.id}`)
      await expectNothing(alice, begun)
      for (const answer of [await complete(alice, begun.id), await abort(alice, begun)]) expect(answer.status).toBe(404)
    }
  })

  test('once aborted, is deleted with its parts, and accepts no more', async () => {
    const alice = await newUser()
    for (const end of [abort, (who: Caller, { id }: Begun) => who.delete(`/files/${id}`)]) {
      const begun = await begin(alice, { size: 9 })
      const [first, second] = await partUrls(alice, begun.id, [1, 2])
      await putPart(first!, letters('a', 9))
      expect((await end(alice, begun)).status).toBe(204)
      await expectNothing(alice, begun)
      for (const url of [first!, second!]) expect((await putPart(url, letters('b', 9))).status).toBe(404)
      const late = await Promise.all([
        abort(alice, begun),
        complete(alice, begun.id),
        alice.get(`/files/multipart/${begun.id}/parts`),
        alice.post(`/files/multipart/${begun.id}/parts`, { partNumbers: [1] }),
      ])
      expect(late.map(statusOf)).toEqual([404, 404, 404, 404])
      await expectNothing(alice, begun)
    }
  })

  test('that is abandoned at any point is deleted automatically', async () => {
    let ahead = 0
    const now = () => new Date(Date.now() + ahead)
    const timed = await start({ uploads: { confirmWithin: '1h' } }, { now })
    try {
      const { gateway } = timed
      const { driver, config } = gateway
      const bob = await as(timed, `user-${randomUUID()}`, { exp: Math.floor(Date.now() / 1000) + 30 * 86_400 })
      const before = await openUploads(timed)
      const kept = await store(bob, 'kept')
      const left = {
        begun: await begin(bob),
        sent: await begin(bob),
        joined: await begin(bob),
        finished: await begin(bob),
      }
      await sendParts(bob, left.sent.id, [letters('s', 9)])
      await joinInStore(timed, left.joined, await sendParts(bob, left.joined.id, [letters('j', 9)]))
      await sendParts(bob, left.finished.id, [letters('f', 9)])
      expect((await complete(bob, left.finished.id)).status).toBe(201)
      // A process that ended between the store's answer and the catalog's.
      const forgotten = await begin(bob)
      await driver.createMultipartUpload({ bucket: config.storage.bucket, key: forgotten.key })
      expect((await openUploads(timed, before)).toSorted()).toEqual(
        [left.begun.key, left.sent.key, forgotten.key, forgotten.key].toSorted(),
      )

      await collect(timed, now)
      expect((await bob.get('/files')).json.files).toHaveLength(6)
      expect(await openUploads(timed, before)).toHaveLength(4)
      ahead = 3 * 86_400 * 1000
      await collect(timed, now)
      expect(await openUploads(timed, before)).toEqual([])
      for (const { key } of [left.begun, left.sent, left.joined, forgotten]) await expectGone(key, timed)
      const { json } = await bob.get('/files')
      expect(json.files.map(({ id }) => id)).toEqual([left.finished.id, kept.id])
      expect((await bob.get('/files/usage')).json).toMatchObject({
        bytes: 13,
        files: 2,
        reservedBytes: 0,
        reservedFiles: 0,
      })
      for (const { id } of [left.sent, left.joined]) expect((await complete(bob, id)).status).toBe(404)
      expect(await collect(timed, now)).toEqual({ confirmed: 0, expired: 0, cleared: 0, aborted: 0, failed: 0 })
      ahead = 0
      expect(await downloadText(bob, left.finished.id)).toBe('fffffffff')
    } finally {
      await timed.close()
    }
  })
}
