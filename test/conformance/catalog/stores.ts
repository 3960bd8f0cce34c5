import { describe, expect, it } from 'vitest'
import type { FileRecord } from '../../../src/catalog/catalog.ts'
import { at, confirmedFile, newUpload, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

const generation = (number: number) => ({ number, mark: `mark ${number}` })

export function storeObligations(make: MakeCatalog): void {
  const the = useCatalog(make)

  describe('the store and its generation', () => {
    it('are unknown at first', async () => {
      const none = { number: 0, mark: '' }
      expect(await the.catalog.storeId('disk')).toBe(null)
      expect(await the.catalog.generation('disk')).toEqual({ current: none, announced: none })
      await the.catalog.recordGeneration('disk', { current: generation(2) })
      expect(await the.catalog.generation('disk')).toEqual({ current: none, announced: none })
    })

    it('only increase, each independently', async () => {
      await the.catalog.recordStore('disk', 'a')
      await the.catalog.recordGeneration('disk', { announced: generation(4) })
      expect((await the.catalog.generation('disk')).current.number).toBe(0)
      await the.catalog.recordGeneration('disk', { current: generation(4) })
      await the.catalog.recordGeneration('disk', { announced: generation(3), current: generation(3) })
      expect(await the.catalog.generation('disk')).toEqual({ current: generation(4), announced: generation(4) })
      expect((await the.catalog.generation('s3')).current.number).toBe(0)
    })

    it('stay when the same store is recorded again, and start over with another store', async () => {
      await the.catalog.recordStore('disk', 'a')
      await the.catalog.recordGeneration('disk', { announced: generation(4), current: generation(4) })
      await the.catalog.recordStore('disk', 'a')
      expect((await the.catalog.generation('disk')).current).toEqual(generation(4))
      await the.catalog.recordStore('disk', 'b')
      expect(await the.catalog.storeId('disk')).toBe('b')
      expect((await the.catalog.generation('disk')).announced.number).toBe(0)
    })
  })

  describe('restoreFile', () => {
    const restored = (file: FileRecord): FileRecord => ({
      ...file,
      object: { bucket: 'postern', key: 'files/sealed', etag: 'e' },
      size: 7,
      status: 'confirmed',
      confirmedAt: at(9),
    })

    it('confirms a pending upload regardless of the quota, and settles its reservation', async () => {
      const { file } = await the.catalog.createUpload(newUpload({ reserve: { bytes: 70, exact: true } }))
      expect(await the.catalog.restoreFile(restored(file))).toBe(true)
      expect(await the.catalog.getFile('alice', file.id)).toEqual(restored(file))
      expect(await the.catalog.usage('alice')).toEqual({ bytes: 7, files: 1, reservedBytes: 0, reservedFiles: 0 })
      expect(await the.catalog.usageDifferences()).toEqual([])
      expect(await the.catalog.expireUpload(file.id, at(99_999))).toBe(false)
    })

    it('adds an unknown file, and leaves all others unchanged', async () => {
      const { file } = await confirmedFile(the.catalog)
      const before = await the.catalog.getFile('alice', file.id)
      expect(await the.catalog.restoreFile(restored(file))).toBe(false)
      expect(await the.catalog.getFile('alice', file.id)).toEqual(before)
      const other = { ...restored(file), id: 'another', key: 'uploads/another' }
      expect(await the.catalog.restoreFile(other)).toBe(true)
      await the.catalog.deleteFile('alice', 'another', at(10))
      expect(await the.catalog.restoreFile(other)).toBe(false)
      expect(await the.catalog.usageDifferences()).toEqual([])
    })
  })
}
