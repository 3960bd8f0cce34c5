import { describe, expect, it } from 'vitest'
import type { Attempt, Catalog, EventType, Subscriber } from '../../../src/catalog/catalog.ts'
import { at, confirmedFile, facts, newUpload, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

const all: readonly EventType[] = ['file.confirmed', 'file.deleted', 'upload.expired']
const [one, other] = ['https://one.example/', 'https://other.example/']
const subscribers: readonly Subscriber[] = [
  { url: one, events: all },
  { url: other, events: ['file.deleted'] },
]
const failure: Attempt = { at: at(200), status: 500, error: 'answered 500' }

export function webhookObligations(make: MakeCatalog): void {
  const the = useCatalog(() => make(subscribers))
  const due = (url: string, seconds = 1000, limit = 100, catalog: Catalog = the.catalog) =>
    catalog.dueDeliveries(url, { now: at(seconds), limit })
  const types = async (url: string) => (await due(url)).map(({ type }) => type)

  describe('webhooks', () => {
    it('are recorded with the change for their subscribers, with the file as it was then', async () => {
      const { file } = await confirmedFile(the.catalog, { file: { metadata: { album: '1' } } })
      await the.catalog.confirmUpload(file.id, facts({ file }))
      const [delivery, ...more] = await due(one)
      expect(more).toEqual([])
      expect(delivery).toMatchObject({ type: 'file.confirmed', at: at(60), state: 'pending', tries: 0, attempts: [] })
      expect(delivery?.eventId).toMatch(/^msg_[0-9a-f]{32}$/)
      const data: unknown = JSON.parse(delivery!.data)
      expect(data).toMatchObject({
        id: file.id,
        owner: 'alice',
        status: 'confirmed',
        size: 10,
        metadata: { album: '1' },
      })
      expect(data).not.toHaveProperty('object')
      await the.catalog.updateFile('alice', file.id, { filename: 'later' })
      expect(await due(one)).toEqual([delivery])
      expect(await due(other)).toEqual([])
      await the.catalog.deleteFile('alice', file.id, at(300))
      expect([await types(one), await types(other)]).toEqual([['file.confirmed', 'file.deleted'], ['file.deleted']])
      expect(JSON.parse((await due(other))[0]!.data)).toMatchObject({ id: file.id, status: 'deleted' })
    })

    it('are recorded once for an expired upload, and never for refused or unconfirmed ones', async () => {
      const { file } = await the.catalog.createUpload(newUpload())
      await Promise.all([1, 2, 3].map(() => the.catalog.expireUpload(file.id, at(400))))
      expect(await types(one)).toEqual(['upload.expired'])
      expect(JSON.parse((await due(one))[0]!.data)).toMatchObject({ id: file.id, status: 'expired' })
      const pending = await the.catalog.createUpload(newUpload())
      const tooMuch = facts(pending, { size: 50, quota: { userBytes: 20, userFiles: null } })
      await expect(the.catalog.confirmUpload(pending.file.id, tooMuch)).rejects.toMatchObject({ code: 'QuotaExceeded' })
      await the.catalog.deleteFile('alice', pending.file.id, at(400))
      expect(await types(one)).toEqual(['upload.expired'])
    })

    it('are due from their time on, the oldest first, until they are delivered', async () => {
      await confirmedFile(the.catalog)
      await confirmedFile(the.catalog)
      expect(await due(one, 59)).toEqual([])
      const [first, second] = await due(one, 60)
      await the.catalog.recordAttempt(first!, { attempt: failure, state: 'pending', nextAt: at(500) })
      expect(await due(one, 499)).toEqual([second])
      expect(await due(one, 500)).toMatchObject([
        { eventId: second!.eventId },
        { eventId: first!.eventId, tries: 1, nextAt: at(500), attempts: [failure] },
      ])
      expect(await due(one, 500, 1)).toHaveLength(1)
      const success: Attempt = { at: at(500), status: 200, error: null }
      await the.catalog.recordAttempt(first!, { attempt: success, state: 'delivered', nextAt: null })
      expect(await due(one)).toEqual([second])
      expect(await the.catalog.listDeliveries({ eventId: first!.eventId, limit: 9 })).toMatchObject([
        { state: 'delivered', tries: 2, nextAt: null, attempts: [failure, success] },
      ])
      expect(await the.catalog.listDeliveries({ state: 'delivered', limit: 9 })).toHaveLength(1)
      expect(await the.catalog.listDeliveries({ limit: 9 })).toHaveLength(2)
    })

    it('keep the last attempts, also when several are recorded concurrently', async () => {
      await confirmedFile(the.catalog)
      const [delivery] = await due(one)
      const record = (i: number) =>
        the.catalog.recordAttempt(delivery!, {
          attempt: { ...failure, error: `${i}` },
          state: 'pending',
          nextAt: at(0),
        })
      await Promise.all([0, 1, 2, 3, 4].map(record))
      const errors = async () => (await due(one))[0]!.attempts.map(({ error }) => error)
      expect((await errors()).toSorted()).toEqual(['0', '1', '2', '3', '4'])
      for (let i = 5; i < 25; i++) await record(i)
      expect(await errors()).toEqual(Array.from({ length: 20 }, (_, i) => `${i + 5}`))
      expect(await due(one)).toMatchObject([{ tries: 25 }])
    })

    it('stay delivered until replayed, whatever a late attempt of another process reports', async () => {
      await confirmedFile(the.catalog)
      const [delivery] = await due(one)
      const success: Attempt = { at: at(100), status: 200, error: null }
      await the.catalog.recordAttempt(delivery!, { attempt: success, state: 'delivered', nextAt: null })
      await the.catalog.recordAttempt(delivery!, { attempt: failure, state: 'pending', nextAt: at(300) })
      expect(await the.catalog.listDeliveries({ limit: 9 })).toMatchObject([
        { state: 'delivered', tries: 2, nextAt: null, attempts: [success, failure] },
      ])
      expect(await the.catalog.replayEvent(delivery!.eventId, at(400))).toBe(1)
      expect(await due(one, 400)).toMatchObject([{ state: 'pending', tries: 0 }])
    })

    it('are replayed with a fresh number of attempts, to all their subscribers', async () => {
      const { file } = await confirmedFile(the.catalog)
      await the.catalog.deleteFile('alice', file.id, at(100))
      const [, gone] = await due(one)
      await the.catalog.recordAttempt(gone!, { attempt: failure, state: 'failed', nextAt: null })
      expect(await types(one)).toEqual(['file.confirmed'])
      expect(await the.catalog.replayEvent(gone!.eventId, at(900))).toBe(2)
      expect(await due(one, 899)).toHaveLength(1)
      expect((await due(one, 900))[1]).toMatchObject({ type: 'file.deleted', tries: 0, attempts: [failure] })
      expect(await the.catalog.replayEvent('msg_unknown', at(900))).toBe(0)
    })

    it('wait for a disabled subscriber', async () => {
      await confirmedFile(the.catalog)
      await the.catalog.switchOff(one, at(100))
      await the.catalog.switchOff(one, at(200))
      expect(await the.catalog.switchedOff()).toEqual([{ url: one, since: at(100) }])
      expect(await due(one)).toEqual([])
      expect(await the.catalog.switchOn(one)).toBe(true)
      expect(await the.catalog.switchOn(one)).toBe(false)
      expect(await due(one)).toHaveLength(1)
    })

    it('are deleted after their retention, delivered ones earlier', async () => {
      await confirmedFile(the.catalog)
      await confirmedFile(the.catalog)
      const [delivered] = await due(one)
      await the.catalog.recordAttempt(delivered!, { attempt: failure, state: 'delivered', nextAt: null })
      expect(await the.catalog.forgetDeliveries({ delivered: at(60), any: at(60) })).toBe(0)
      expect(await the.catalog.forgetDeliveries({ delivered: at(61), any: at(0) })).toBe(1)
      expect(await the.catalog.replayEvent(delivered!.eventId, at(61))).toBe(0)
      expect(await the.catalog.listDeliveries({ limit: 9 })).toHaveLength(1)
      expect(await the.catalog.forgetDeliveries({ delivered: at(61), any: at(61) })).toBe(1)
      await the.catalog.recordAttempt(delivered!, { attempt: failure, state: 'pending', nextAt: at(0) })
      expect(await the.catalog.listDeliveries({ limit: 9 })).toEqual([])
    })

    it('are not recorded without subscribers', async () => {
      const quiet = await make([])
      const { file } = await confirmedFile(quiet)
      await quiet.deleteFile('alice', file.id, at(100))
      expect(await quiet.listDeliveries({ limit: 9 })).toEqual([])
      await quiet.close()
    })
  })
}
