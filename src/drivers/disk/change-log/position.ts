/** The position of the index in the log. It is stored in the index and committed with the rows, so both agree. */
import type { Index } from '../open-index.ts'
import type { ChainEnd } from './frame.ts'

export type Position = ChainEnd & {
  store: string
  epoch: number
  pack: number
  /** Offset of the last applied frame. 0 if none of this pack was applied. */
  frame: number
  /** The first pack that is still needed. Earlier packs can be deleted. */
  firstPack: number
  /** The progress of writing the older states to the log (see write-all.ts). null: all are written. */
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

  /** undefined if the index has no log yet. */
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
