import { describe, expect, it } from 'vitest'
import type { Upload } from '../../../src/catalog/catalog.ts'
import { at, confirmedFile, facts, ids, newUpload, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

export function dueObligations(make: MakeCatalog): void {
  const the = useCatalog(make)
  const add = (grant: Parameters<typeof newUpload>[0] & object) => the.catalog.createUpload(newUpload(grant))

  describe('overdueUploads', () => {
    it('lists expired pending uploads, oldest first', async () => {
      const late = await add({ grant: { confirmBy: at(3000) } })
      const early = await add({ grant: { confirmBy: at(2000) }, file: { owner: 'bob' } })
      const confirmed = await add({ grant: { confirmBy: at(1000) } })
      await the.catalog.confirmUpload(confirmed.file.id, facts(confirmed))
      expect(await the.catalog.overdueUploads(at(1999), 10)).toEqual([])
      expect(ids(await the.catalog.overdueUploads(at(3000), 10))).toEqual([early.file.id, late.file.id])
      expect(await the.catalog.overdueUploads(at(3000), 1)).toEqual([early])
      await the.catalog.expireUpload(early.file.id, at(3000))
      expect(ids(await the.catalog.overdueUploads(at(3000), 10))).toEqual([late.file.id])
    })

    it('continues after the previous page, past uploads that stayed', async () => {
      const made = await Promise.all([1, 2, 3, 4, 5].map((n) => add({ grant: { confirmBy: at(n < 4 ? 1000 : 2000) } })))
      const seen: Upload[] = []
      for (;;) {
        const page = await the.catalog.overdueUploads(at(5000), 2, seen.at(-1))
        if (page.length === 0) break
        seen.push(...page)
      }
      expect(ids(seen).toSorted()).toEqual(ids(made).toSorted())
      expect(seen).toHaveLength(5)
    })
  })

  describe('autoConfirmable', () => {
    it('lists pending uploads with autoConfirm, of one owner or of all', async () => {
      const hers = await add({ grant: { autoConfirm: true, confirmBy: at(2000) } })
      const his = await add({ grant: { autoConfirm: true, confirmBy: at(1000) }, file: { owner: 'bob' } })
      const done = await add({ grant: { autoConfirm: true } })
      await add({})
      await the.catalog.confirmUpload(done.file.id, facts(done))
      expect(await the.catalog.autoConfirmable({ owner: 'alice', limit: 10 })).toEqual([hers])
      expect(ids(await the.catalog.autoConfirmable({ limit: 10 }))).toEqual([his.file.id, hers.file.id])
      expect(await the.catalog.autoConfirmable({ limit: 1 })).toEqual([his])
      expect(await the.catalog.autoConfirmable({ limit: 10, after: his })).toEqual([hers])
      expect(await the.catalog.autoConfirmable({ owner: 'alice', limit: 10, after: hers })).toEqual([])
    })
  })

  describe('removableGrants and dropGrant', () => {
    it('lists settled uploads whose URLs have expired', async () => {
      await add({})
      const confirmed = await confirmedFile(the.catalog, { grant: { urlExpiresAt: at(500) } })
      const deleted = await confirmedFile(the.catalog, { grant: { urlExpiresAt: at(400) } })
      const expired = await add({ grant: { urlExpiresAt: at(300) } })
      await the.catalog.deleteFile('alice', deleted.file.id, at(200))
      await the.catalog.expireUpload(expired.file.id, at(200))
      expect(await the.catalog.removableGrants(at(299), 10)).toEqual([])
      const due = await the.catalog.removableGrants(at(500), 10)
      expect(due.map(({ file }) => [file.id, file.status])).toEqual([
        [expired.file.id, 'expired'],
        [deleted.file.id, 'deleted'],
        [confirmed.file.id, 'confirmed'],
      ])
      expect(ids(await the.catalog.removableGrants(at(500), 10, due[1]))).toEqual([confirmed.file.id])
    })

    it('dropping removes the grant of a confirmed file, and the whole record of a deleted or expired file', async () => {
      const confirmed = await confirmedFile(the.catalog)
      const expired = await add({})
      await the.catalog.expireUpload(expired.file.id, at(1))
      await the.catalog.dropGrant(confirmed.file.id)
      await the.catalog.dropGrant(expired.file.id)
      expect(await the.catalog.findUpload('alice', { id: confirmed.file.id })).toMatchObject({
        file: { status: 'confirmed' },
        grant: null,
      })
      expect(await the.catalog.findUpload('alice', { id: expired.file.id })).toBeNull()
      expect(await the.catalog.removableGrants(at(9999), 10)).toEqual([])
      await the.catalog.dropGrant(expired.file.id)
    })

    it('does not drop a pending grant', async () => {
      const pending = await add({})
      await the.catalog.dropGrant(pending.file.id)
      expect(await the.catalog.findUpload('alice', { id: pending.file.id })).toEqual(pending)
    })
  })

  it('is ready, and not ready after close', async () => {
    const catalog = await make()
    await catalog.checkReady()
    await catalog.close()
    await catalog.close()
    await expect(catalog.checkReady()).rejects.toMatchObject({ code: 'Unavailable' })
    await expect(catalog.usage('alice')).rejects.toMatchObject({ code: 'Unavailable' })
  })
}
