/**
 * The catalog that this store was last used with. Both record the same generation at every start and stop of a server
 * and every 15 minutes in between, so that an older copy of either can be detected.
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

  /** null if no catalog is recorded: in a new store, or one that was restored, rebuilt or written by an older version. */
  read(): Generation | null {
    return this.#read.get() ?? null
  }

  /** Ignores a lower number. */
  enter(generation: Generation): void {
    this.#enter.run(generation)
  }
}

/**
 * A difference of one is accepted, because copies that belong together may be taken minutes apart, and a running server
 * takes steps of one. A start and a stop take steps of two (service/stores/keep-generation.ts).
 */
const tolerated = 1

/** The catalog announces a generation, the store enters it, then the catalog enters it. A crash may come between these steps. */
export function fitOf({ current, announced }: CatalogGeneration, store: Generation | null): Fit {
  if (store === null) return 'fits'
  if (store.number > announced.number + tolerated) return 'catalog is older'
  if (store.number < current.number - tolerated) return 'store is older'
  const same = [current, announced].find(({ number }) => number === store.number)
  return same && same.mark !== store.mark ? 'not of one history' : 'fits'
}
