/**
 * A disk with a volatile write cache. Writes stay in the cache until a flush. When the power fails, the disk keeps any
 * of the sectors in the cache and loses the others. Flushed sectors are never lost, and a sector is never torn.
 */
import { readSync } from 'node:fs'
import type { SeededRandom } from '../seeded-random.ts'

const pageSize = 4096

/** What the disk keeps of its cache when the power fails. */
export type LossMode =
  | 'everything'
  | 'nothing'
  /** The oldest writes are kept: no reordering. */
  | 'newest'
  /** The newest writes are kept: pure reordering. */
  | 'oldest'
  /** Any writes, each whole. */
  | 'writes'
  /** Any sectors: writes are torn. */
  | 'sectors'

export const lossModes: readonly LossMode[] = ['everything', 'nothing', 'newest', 'oldest', 'writes', 'sectors']

/** Writes and sectors that were in the cache, and what the power failure did to them. */
export type CacheLoss = {
  mode: LossMode
  writes: number
  /** Writes of which some sectors were kept and some lost. */
  torn: number
  sectors: number
  sectorsLost: number
  /** A write was kept that is newer than one that was lost. */
  isReordered: boolean
}

type Pages = Map<number, Buffer>
type Write = { offset: number; bytes: Buffer }

export class DiskImage {
  readonly size: number
  /** Bytes that the disk writes whole or not at all: 512 or 4096. */
  readonly #sectorSize: number
  readonly #base: number
  /** What a power failure cannot take. */
  #durable: Pages
  /** What a reader sees: the cache included. */
  #current: Pages
  #cache: Write[] = []

  /** `base` is the descriptor of a file with the first content. */
  constructor(
    { base, size, sectorSize }: { base: number; size: number; sectorSize: number },
    pages: Pages = new Map(),
  ) {
    this.#base = base
    this.size = size
    this.#sectorSize = sectorSize
    this.#durable = pages
    this.#current = new Map(pages)
  }

  read(offset: number, length: number): Buffer {
    const end = Math.min(offset + length, this.size)
    const pieces: Buffer[] = []
    for (let at = offset; at < end;) {
      const within = at % pageSize
      const page = this.#page(this.#current, (at - within) / pageSize)
      const piece = page.subarray(within, Math.min(pageSize, within + end - at))
      pieces.push(piece)
      at += piece.length
    }
    return Buffer.concat(pieces)
  }

  /** Offset and length are whole sectors. */
  write(offset: number, bytes: Buffer): void {
    const sector = this.#sectorSize
    if (offset % sector !== 0 || bytes.length % sector !== 0) throw new Error('not a whole sector')
    this.#apply(this.#current, { offset, bytes })
    this.#cache.push({ offset, bytes })
  }

  get isFlushed(): boolean {
    return this.#cache.length === 0
  }

  flush(): void {
    for (const write of this.#cache.splice(0)) this.#apply(this.#durable, write)
  }

  /** The disk as it is after a power failure at this moment. This image is not changed. */
  failPower(random: SeededRandom, mode: LossMode): { image: DiskImage; loss: CacheLoss } {
    const sectorSize = this.#sectorSize
    const image = new DiskImage({ base: this.#base, size: this.size, sectorSize }, new Map(this.#durable))
    const isKept = chooseKept(random, mode, this.#cache.length)
    const loss: CacheLoss = {
      mode,
      writes: this.#cache.length,
      torn: 0,
      sectors: 0,
      sectorsLost: 0,
      isReordered: false,
    }
    let isAnyLost = false
    for (const [index, { offset, bytes }] of this.#cache.entries()) {
      let lost = 0
      const sectors = bytes.length / sectorSize
      for (let sector = 0; sector < sectors; sector++) {
        const start = sector * sectorSize
        if (!isKept(index)) lost++
        else image.#apply(image.#durable, { offset: offset + start, bytes: bytes.subarray(start, start + sectorSize) })
      }
      loss.sectors += sectors
      loss.sectorsLost += lost
      if (lost > 0 && lost < sectors) loss.torn++
      if (lost < sectors && isAnyLost) loss.isReordered = true
      if (lost > 0) isAnyLost = true
    }
    image.#current = new Map(image.#durable)
    return { image, loss }
  }

  #page(pages: Pages, number: number): Buffer {
    const known = pages.get(number)
    if (known) return known
    const page = Buffer.alloc(pageSize)
    readSync(this.#base, page, 0, pageSize, number * pageSize)
    return page
  }

  /** Pages are shared between images, so a write makes new ones. */
  #apply(pages: Pages, { offset, bytes }: Write): void {
    for (let done = 0; done < bytes.length;) {
      const within = (offset + done) % pageSize
      const number = (offset + done - within) / pageSize
      const piece = bytes.subarray(done, done + pageSize - within)
      if (piece.length === pageSize) pages.set(number, piece)
      else {
        const page = Buffer.from(this.#page(pages, number))
        piece.copy(page, within)
        pages.set(number, page)
      }
      done += piece.length
    }
  }
}

/** Asked once for each sector, in the order of the writes: whether the sector of that write is kept. */
function chooseKept(random: SeededRandom, mode: LossMode, writes: number): (write: number) => boolean {
  const percent = random.pick([10, 50, 90])
  const border = random.int(0, writes)
  const chosen = Array.from({ length: writes }, () => random.int(1, 100) <= percent)
  switch (mode) {
    case 'everything':
      return () => false
    case 'nothing':
      return () => true
    case 'newest':
      return (write) => write < border
    case 'oldest':
      return (write) => write >= border
    case 'writes':
      return (write) => chosen[write]!
    case 'sectors':
      return () => random.int(1, 100) <= percent
  }
}
