/** How far the index follows the log. Kept in the index and committed with what it covers, so that both agree. */
import type { Index } from '../open-index.ts'
import type { ChainEnd } from './frame.ts'

export type Position = ChainEnd & {
  store: string
  epoch: number
  pack: number
  /** Where the last frame starts; 0 where the pack has none that was applied. */
  frame: number
  /** The log is needed from this pack on; earlier ones may be deleted. */
  firstPack: number
  /** How far the states that were there before the log are written to it (see write-all.ts); null: all are. */
  unlogged: string | null
}

type Row = Omit<Position, 'offset' | 'firstPack'> & { at: number; first_pack: number }

export class Positions {
  readonly #read
  readonly #save

  constructor(db: Index) {
    this.#read = db.prepare<[], Row>(
      'SELECT store, epoch, pack, at, frame, sequence, crc, first_pack, unlogged FROM applied',
    )
    this.#save = db.prepare<[Row]>(
      `INSERT OR REPLACE INTO applied (one, store, epoch, pack, at, frame, sequence, crc, first_pack, unlogged)
        VALUES (1, @store, @epoch, @pack, @at, @frame, @sequence, @crc, @first_pack, @unlogged)`,
    )
  }

  /** Undefined for an index that has not met a log yet. */
  read(): Position | undefined {
    const row = this.#read.get()
    if (!row) return undefined
    const { at, first_pack, ...rest } = row
    return { ...rest, offset: at, firstPack: first_pack }
  }

  save({ offset, firstPack, ...rest }: Position): void {
    this.#save.run({ ...rest, at: offset, first_pack: firstPack })
  }
}
