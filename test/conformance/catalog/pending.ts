import { describe, expect, it } from 'vitest'
import { at, confirmedFile, ids, newUpload, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

export function pendingObligations(make: MakeCatalog): void {
  const the = useCatalog(make)
  const add = (seconds: number, o: Parameters<typeof newUpload>[0] & object = {}) =>
    the.catalog.createUpload(newUpload({ ...o, now: at(seconds) }))

  describe('pendingUploads', () => {
    it("lists one owner's pending uploads with their grants, newest first, and no settled ones", async () => {
      const old = await add(1)
      const multipart = { uploadId: 'u1', partSize: 5, partCount: 2 }
      const inParts = await add(2, { grant: { method: 'MULTIPART', multipart } })
      await add(3, { file: { owner: 'bob' } })
      await confirmedFile(the.catalog)
      const expired = await add(4)
      const deleted = await add(5)
      await the.catalog.expireUpload(expired.file.id, at(6))
      await the.catalog.deleteFile('alice', deleted.file.id, at(6))
      expect(await the.catalog.pendingUploads('alice', { limit: 10 })).toEqual({
        uploads: [inParts, old],
        nextCursor: null,
      })
      expect(await the.catalog.pendingUploads('carol', { limit: 10 })).toEqual({ uploads: [], nextCursor: null })
    })

    it('pages without gaps or duplicates, also within one millisecond', async () => {
      const made = []
      for (let i = 0; i < 5; i++) made.push(await add(Math.floor(i / 3)))
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const page = await the.catalog.pendingUploads('alice', { limit: 2, ...(cursor === null ? {} : { cursor }) })
        seen.push(...ids(page.uploads))
        cursor = page.nextCursor
      } while (cursor !== null)
      expect(seen).toHaveLength(5)
      expect(seen.toSorted()).toEqual(ids(made).toSorted())
      await expect(the.catalog.pendingUploads('alice', { limit: 2, cursor: '!!' })).rejects.toMatchObject({
        code: 'InvalidArgument',
      })
    })
  })
}
