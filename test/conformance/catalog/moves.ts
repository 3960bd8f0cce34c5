import { describe, expect, it } from 'vitest'
import type { Catalog, FileRecord } from '../../../src/catalog/catalog.ts'
import { at, confirmedFile, newUpload, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

export function moveObligations(make: MakeCatalog): void {
  const the = useCatalog(make)
  const later = at(1e6)

  const confirmed = async (): Promise<FileRecord> => {
    const { file } = await confirmedFile(the.catalog)
    return (await the.catalog.findUpload(file.owner, { id: file.id }))!.file
  }
  const elsewhere = (store: FileRecord['store']) => (store === 'disk' ? 's3' : 'disk')
  const target = (copyId: string) => ({ bucket: 'bucket', key: `files/${copyId}` })
  const announce = (file: FileRecord, id: string) =>
    the.catalog.announceCopy({
      id,
      fileId: file.id,
      store: elsewhere(file.store),
      object: target(id),
      removableAt: later,
    })
  const move = (catalog: Catalog, from: FileRecord, copyId: string, removableAt: Date | null = later) =>
    catalog.moveFile({
      copyId,
      from,
      object: { ...target(copyId), etag: 'new', versionId: 'v1' },
      left: [{ id: `left-${copyId}`, object: from.object, removableAt }],
    })

  describe('moved files', () => {
    it('switch to the copy atomically, and nothing else about them changes', async () => {
      const file = await confirmed()
      const usage = await the.catalog.usage(file.owner)
      await announce(file, 'c1')
      expect(await move(the.catalog, file, 'c1')).toBe(true)
      const moved = await the.catalog.findUpload(file.owner, { id: file.id })
      const object = { ...target('c1'), etag: 'new', versionId: 'v1' }
      expect(moved).toEqual({ file: { ...file, store: elsewhere(file.store), object }, grant: null })
      expect(await the.catalog.usage(file.owner)).toEqual(usage)
      const { etag: _, ...left } = file.object
      expect(await the.catalog.movedObjects({ limit: 9 })).toEqual([
        { id: 'left-c1', fileId: file.id, kind: 'left', store: file.store, object: left },
      ])
      expect(await move(the.catalog, file, 'c1')).toBe(false)
    })

    it('stay in place unless the copy was announced and its deletion has not started', async () => {
      const file = await confirmed()
      expect(await move(the.catalog, file, 'c1')).toBe(false)
      await announce(file, 'c1')
      expect(await the.catalog.takeRemovable({ id: 'c1' }, { limit: 9 })).toHaveLength(1)
      expect(await move(the.catalog, file, 'c1')).toBe(false)
      await announce(file, 'c2')
      await announce(file, 'c2')
      expect(await move(the.catalog, { ...file, object: { ...file.object, key: 'another' } }, 'c2')).toBe(false)
      expect(await move(the.catalog, { ...file, store: elsewhere(file.store) }, 'c2')).toBe(false)
      expect((await the.catalog.findUpload(file.owner, { id: file.id }))!.file).toEqual(file)
      await the.catalog.deleteFile(file.owner, file.id, at(0))
      expect(await move(the.catalog, file, 'c2')).toBe(false)
    })

    it('one of two concurrent moves of a file succeeds', async () => {
      const file = await confirmed()
      await Promise.all([announce(file, 'c1'), announce(file, 'c2')])
      const outcomes = await Promise.all([move(the.catalog, file, 'c1'), move(the.catalog, file, 'c2')])
      expect(outcomes.toSorted()).toEqual([false, true])
      const taken = await the.catalog.takeRemovable({ copies: true }, { limit: 9 })
      const named = (await the.catalog.findUpload(file.owner, { id: file.id }))!.file.object.key
      expect(taken.map(({ object }) => object.key)).toEqual([named === 'files/c1' ? 'files/c2' : 'files/c1'])
    })

    it('leave an old copy that is deletable after its time, or at once when the file is deleted', async () => {
      const [one, two] = [await confirmed(), await confirmed()]
      for (const [file, id, until] of [
        [one, 'c1', at(100)],
        [two, 'c2', null],
      ] as const) {
        await announce(file, id)
        expect(await move(the.catalog, file, id, until)).toBe(true)
      }
      const due = async (seconds: number) =>
        (await the.catalog.takeRemovable({ due: at(seconds) }, { limit: 9 })).map(({ id }) => id)
      expect(await due(99)).toEqual([])
      expect(await due(100)).toEqual(['left-c1'])
      expect(await due(1e9)).toEqual(['left-c1'])
      await the.catalog.forgetMoved('left-c1')
      expect(await due(1e9)).toEqual([])
      await the.catalog.deleteFile(two.owner, two.id, at(200))
      expect(await due(200)).toEqual(['left-c2'])
      expect(await the.catalog.takeRemovable({ fileId: two.id }, { limit: 9 })).toHaveLength(1)
      expect(await the.catalog.takeRemovable({ fileId: two.id }, { limit: 9, after: 'left-c2' })).toEqual([])
    })

    it('keep an old copy with the file until its end is set', async () => {
      const [one, two] = [await confirmed(), await confirmed()]
      for (const [file, id, until] of [
        [one, 'c1', at(50)],
        [two, 'c2', null],
      ] as const) {
        await announce(file, id)
        expect(await move(the.catalog, file, id, until)).toBe(true)
      }
      const other = one.store === 'disk' ? 's3' : 'disk'
      expect(await the.catalog.endLeft(other, at(80))).toBe(0)
      expect(await the.catalog.endLeft(one.store, at(80))).toBe(1)
      expect(await the.catalog.endLeft(one.store, at(90))).toBe(0)
      const due = async (seconds: number) =>
        (await the.catalog.takeRemovable({ due: at(seconds) }, { limit: 9 })).map(({ id }) => id)
      expect(await due(79)).toEqual(['left-c1'])
      expect(await due(80)).toEqual(['left-c1', 'left-c2'])
    })

    it('are listed by store in pages, and counted with the other objects there', async () => {
      const files = [await confirmed(), await confirmed(), await confirmed()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
      const store = files[0]!.store
      await the.catalog.createUpload(newUpload())
      await announce(files[0]!, 'c1')
      const [first] = await the.catalog.filesIn(store, { limit: 1 })
      expect(first!.file.id).toBe(files[0]!.id)
      const rest = await the.catalog.filesIn(store, { limit: 9, after: first!.file.id })
      expect(rest.map(({ file }) => file.id)).toEqual(files.slice(1).map(({ id }) => id))
      expect(await the.catalog.filesIn(elsewhere(store), { limit: 9 })).toEqual([])
      const bytes = files.reduce((sum, { size }) => sum + size!, 0)
      expect(await the.catalog.countIn(store)).toEqual({ files: 3, bytes, pending: 1, unneeded: 0 })
      const nothing = { files: 0, bytes: 0, pending: 0, unneeded: 1 }
      expect(await the.catalog.countIn(elsewhere(store))).toEqual(nothing)
    })
  })
}
