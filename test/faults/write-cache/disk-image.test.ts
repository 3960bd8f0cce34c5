import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { seededRandom } from '../seeded-random.ts'
import { DiskImage, lossModes, type CacheLoss } from './disk-image.ts'

const sectorSize = 512
const size = 64 * sectorSize
let folder: string
let base: number
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-disk-image-'))
  writeFileSync(join(folder, 'base'), Buffer.alloc(size, 'b'))
  base = openSync(join(folder, 'base'), 'r')
})
afterAll(() => {
  closeSync(base)
  rmSync(folder, { recursive: true, force: true })
})

const sectors = (count: number, letter: string): Buffer => Buffer.alloc(count * sectorSize, letter)
/** One letter for each sector; fails where a sector is not of one letter. */
function letters(image: DiskImage): string {
  const bytes = image.read(0, size)
  return Array.from({ length: size / sectorSize }, (_, i) => {
    const sector = bytes.subarray(i * sectorSize, (i + 1) * sectorSize)
    expect(sector.equals(Buffer.alloc(sectorSize, sector[0]))).toBe(true)
    return String.fromCharCode(sector[0]!)
  }).join('')
}
const fresh = (): DiskImage => new DiskImage({ base, size, sectorSize })

it('reads the last written bytes, flushed or not', () => {
  const disk = fresh()
  disk.write(3 * sectorSize, sectors(20, 'x'))
  disk.flush()
  disk.write(5 * sectorSize, sectors(2, 'y'))
  expect(letters(disk)).toBe(`bbbxxyy${'x'.repeat(16)}${'b'.repeat(41)}`)
  expect(disk.read(5 * sectorSize + 100, 10).toString()).toBe('yyyyyyyyyy')
})

it.each(lossModes)('keeps every flushed sector when the power fails, and loses %s', (mode) => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = fresh()
    disk.write(0, sectors(32, 'x'))
    disk.flush()
    disk.write(16 * sectorSize, sectors(8, 'y'))
    const { image } = disk.failPower(seededRandom(seed), mode)
    expect(letters(image)).toMatch(/^x{16}[xy]{8}x{8}b{32}$/)
    expect(letters(disk)).toMatch(/^x{16}y{8}x{8}b{32}$/)
    image.write(0, sectors(1, 'z'))
    expect(letters(disk).startsWith('x')).toBe(true)
  }
})

it('tears and reorders writes according to the mode', () => {
  const seen = new Map<string, CacheLoss[]>()
  for (const mode of lossModes) {
    for (let seed = 0; seed < 50; seed++) {
      const disk = fresh()
      for (const at of [0, 8, 16, 24]) disk.write(at * sectorSize, sectors(8, 'w'))
      const { image, loss } = disk.failPower(seededRandom(seed), mode)
      expect(letters(image).split('w').length - 1).toBe(loss.sectors - loss.sectorsLost)
      seen.set(mode, [...(seen.get(mode) ?? []), loss])
    }
  }
  const some = (mode: string, is: (loss: CacheLoss) => boolean): boolean => seen.get(mode)!.some(is)
  expect(seen.get('everything')!.every(({ sectorsLost }) => sectorsLost === 32)).toBe(true)
  expect(seen.get('nothing')!.every(({ sectorsLost }) => sectorsLost === 0)).toBe(true)
  expect(some('newest', ({ isReordered }) => isReordered)).toBe(false)
  expect(some('oldest', ({ isReordered }) => isReordered)).toBe(true)
  expect(some('writes', ({ torn }) => torn > 0)).toBe(false)
  expect(some('writes', ({ isReordered }) => isReordered)).toBe(true)
  expect(some('sectors', ({ torn, isReordered }) => torn > 0 && isReordered)).toBe(true)
})
