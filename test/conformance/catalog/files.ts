import { describe, expect, it } from 'vitest'
import type { FileRecord } from '../../../src/catalog/catalog.ts'
import { at, confirmedFile, facts, newUpload, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

export function fileObligations(make: MakeCatalog): void {
  const the = useCatalog(make)
  const names = (files: readonly FileRecord[]) => files.map((file) => file.filename)
  const add = (filename: string, seconds: number, owner = 'alice') =>
    the.catalog.createUpload(newUpload({ file: { filename, owner }, now: at(seconds) }))

  describe('listFiles', () => {
    it('shows pending and confirmed files of the owner, newest first', async () => {
      await add('old', 1)
      const confirmed = await add('confirmed', 2)
      const deleted = await add('deleted', 3)
      const expired = await add('expired', 4)
      await add('new', 5)
      await add('theirs', 6, 'bob')
      await the.catalog.confirmUpload(confirmed.file.id, facts(confirmed))
      await the.catalog.deleteFile('alice', deleted.file.id, at(7))
      await the.catalog.expireUpload(expired.file.id, at(7))
      const page = await the.catalog.listFiles('alice', { limit: 10 })
      expect(names(page.files)).toEqual(['new', 'confirmed', 'old'])
      expect(page.nextCursor).toBeNull()
    })

    it('keeps the facts found in the bytes at confirmation, and nothing if none were found', async () => {
      const [text, plain] = [await add('text', 1), await add('plain', 2)]
      const told = { charset: 'utf-8', warning: 'dummy bytes' } as const
      await the.catalog.confirmUpload(text.file.id, facts(text, told))
      await the.catalog.confirmUpload(plain.file.id, facts(plain))
      const [second, first] = (await the.catalog.listFiles('alice', { limit: 10 })).files
      expect(first).toMatchObject(told)
      expect(second).not.toHaveProperty('charset')
      expect(second).not.toHaveProperty('warning')
    })

    it('pages without gaps or duplicates, also within one millisecond and while files are added', async () => {
      for (let i = 0; i < 9; i++) await add(`f${i}`, Math.floor(i / 3))
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const page = await the.catalog.listFiles('alice', { limit: 2, ...(cursor === null ? {} : { cursor }) })
        expect(page.files.length).toBeLessThanOrEqual(2)
        seen.push(...names(page.files))
        cursor = page.nextCursor
        await add('added later', 100 + seen.length)
      } while (cursor !== null)
      expect(seen.toSorted()).toEqual(['f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8'])
    })

    it('returns no cursor after a full last page', async () => {
      await add('a', 1)
      await add('b', 2)
      expect((await the.catalog.listFiles('alice', { limit: 2 })).nextCursor).toBeNull()
    })

    it.each(['', 'x', '!!', 'MTIz', Buffer.from('12:').toString('base64url'), 'a'.repeat(1100), '../..'])(
      'refuses the cursor %o',
      async (cursor) => {
        await expect(the.catalog.listFiles('alice', { limit: 2, cursor })).rejects.toMatchObject({
          code: 'InvalidArgument',
        })
      },
    )

    it("shows no files of another user, even with that user's cursor", async () => {
      await add('a', 1)
      await add('b', 2)
      const { nextCursor } = await the.catalog.listFiles('alice', { limit: 1 })
      expect(await the.catalog.listFiles('bob', { limit: 5, cursor: nextCursor! })).toEqual({
        files: [],
        nextCursor: null,
      })
    })

    it.each([
      ['%', ['100% sure']],
      ['_', ['a_b']],
      ['\\', ['back\\slash']],
      ["o'b", ["O'Brien"]],
      ['A_B', ['a_b']],
      ['élan', ['ÉLAN vital']],
      ['e\u0301lan', ['ÉLAN vital']],
      ['straße', ['Straße']],
      ['ΣΟΣ', ['ΣΟΣΟΣ']],
      ['жук', ['ЖУК']],
      ['[', []],
      ['*', []],
    ])('finds by the literal part %s', async (q, expected) => {
      const all = ['100% sure', 'a_b', 'back\\slash', "O'Brien", 'ÉLAN vital', 'Straße', 'ΣΟΣΟΣ', 'ЖУК', 'plain']
      for (const [i, filename] of all.entries()) await add(filename, i)
      expect(names((await the.catalog.listFiles('alice', { limit: 20, q })).files)).toEqual(expected)
    })

    it('returns an empty page for a part that no filename can contain', async () => {
      await add('x', 1)
      for (const q of ['\0', 'x\0', 'x'.repeat(60_000), '%'.repeat(9_000)]) {
        expect(await the.catalog.listFiles('alice', { limit: 5, q })).toEqual({ files: [], nextCursor: null })
      }
    })

    it('finds a file by its new name after a rename, and by the name given at confirm', async () => {
      const { file } = await add('before', 1)
      await the.catalog.updateFile('alice', file.id, { filename: 'AFTER' })
      const other = await add('declared', 2)
      await the.catalog.confirmUpload(other.file.id, facts(other, { filename: 'Real' }))
      const found = async (q: string) => names((await the.catalog.listFiles('alice', { limit: 9, q })).files)
      expect(await found('after')).toEqual(['AFTER'])
      expect(await found('before')).toEqual([])
      expect(await found('real')).toEqual(['Real'])
    })
  })

  describe('getFile and updateFile', () => {
    it('serve only the owner, and only pending and confirmed files', async () => {
      const { file } = await add('mine', 1)
      expect(await the.catalog.getFile('alice', file.id)).toEqual(file)
      expect(await the.catalog.getFile('bob', file.id)).toBeNull()
      expect(await the.catalog.updateFile('bob', file.id, { filename: 'stolen' })).toBeNull()
      await the.catalog.deleteFile('alice', file.id, at(2))
      expect(await the.catalog.getFile('alice', file.id)).toBeNull()
      expect(await the.catalog.updateFile('alice', file.id, { filename: 'undead' })).toBeNull()
    })

    it('change what the patch names and nothing else', async () => {
      const { file } = await confirmedFile(the.catalog, { file: { metadata: { a: '1' } } })
      const renamed = await the.catalog.updateFile('alice', file.id, { filename: 'new.txt' })
      expect(renamed).toMatchObject({ filename: 'new.txt', metadata: { a: '1' }, status: 'confirmed' })
      const described = await the.catalog.updateFile('alice', file.id, { metadata: { b: '2' } })
      expect(described).toEqual({ ...renamed, metadata: { b: '2' } })
      expect(await the.catalog.updateFile('alice', file.id, {})).toEqual(described)
      expect(await the.catalog.getFile('alice', file.id)).toEqual(described)
    })
  })

  describe('deleteFile', () => {
    const idle = { bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 }

    it('frees the bytes of a confirmed file, and the reservation of a pending one', async () => {
      const confirmed = await confirmedFile(the.catalog)
      const pending = await add('pending', 1)
      for (const { file } of [confirmed, pending]) {
        const gone = await the.catalog.deleteFile('alice', file.id, at(100))
        expect(gone).toMatchObject({ file: { id: file.id, status: 'deleted' }, grant: { target: { key: file.key } } })
      }
      expect(await the.catalog.usage('alice')).toEqual(idle)
    })

    it('deletes once, and only for the owner', async () => {
      const { file } = await confirmedFile(the.catalog)
      expect(await the.catalog.deleteFile('bob', file.id, at(100))).toBeNull()
      const answers = await Promise.all([1, 2, 3].map(() => the.catalog.deleteFile('alice', file.id, at(100))))
      expect(answers.filter((answer) => answer !== null)).toHaveLength(1)
      expect(await the.catalog.usage('alice')).toEqual(idle)
    })

    it('restores a dropped grant as expired, so that the object is deleted later', async () => {
      const { file } = await confirmedFile(the.catalog)
      await the.catalog.dropGrant(file.id)
      expect((await the.catalog.findUpload('alice', { id: file.id }))?.grant).toBeNull()
      const gone = await the.catalog.deleteFile('alice', file.id, at(100))
      expect(gone?.grant).toMatchObject({ target: { bucket: 'postern', key: file.key }, urlExpiresAt: at(100) })
      expect(await the.catalog.removableGrants(at(100), 10)).toEqual([gone])
    })
  })
}
