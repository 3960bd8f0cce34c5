/**
 * Which catalog this store was last used with. Catalog and store record the same generation at every start and stop of a
 * server and again while it runs, so that a copy of one of them from an earlier time is told from the one that belongs here.
 */
import type { CatalogGeneration, Fit, Generation } from '../../driver.ts'
import type { Index } from '../open-index.ts'

export class Pairing {
  readonly #read
  readonly #enter

  constructor(db: Index) {
    this.#read = db.prepare<[], { number: number; mark: string }>('SELECT number, mark FROM paired')
    this.#enter = db.prepare<[Generation]>(
      `INSERT INTO paired (one, number, mark) VALUES (1, @number, @mark)
        ON CONFLICT (one) DO UPDATE SET number = excluded.number, mark = excluded.mark WHERE excluded.number > number`,
    )
  }

  /** Null where no catalog was recorded: a new store, one of an older version, one that was restored or rebuilt. */
  read(): Generation | null {
    return this.#read.get() ?? null
  }

  /** Never backwards. */
  enter(generation: Generation): void {
    this.#enter.run(generation)
  }
}

/**
 * A running server takes steps of one, and copies of catalog and store that belong together may be taken some minutes
 * apart: a difference of one is none. A start and a stop take steps of two (service/stores/keep-generation.ts).
 */
const tolerated = 1

/** The catalog announces a generation, then the store enters it, then the catalog does: a crash may come in between. */
export function fitOf({ current, announced }: CatalogGeneration, store: Generation | null): Fit {
  if (store === null) return 'fits'
  if (store.number > announced.number + tolerated) return 'catalog is older'
  if (store.number < current.number - tolerated) return 'store is older'
  const same = [current, announced].find(({ number }) => number === store.number)
  return same && same.mark !== store.mark ? 'not of one history' : 'fits'
}
