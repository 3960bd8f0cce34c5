/**
 * Moves the catalog and the store to a new generation together: at every start and stop of a server, and every 15 minutes
 * in between. The start can then detect and refuse an older copy of one of them.
 */
import { randomBytes } from 'node:crypto'
import type { Catalog } from '../../catalog/catalog.ts'
import type { CatalogGeneration, Fit, StorageDriver } from '../../drivers/driver.ts'
import { StorageError } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'

type Deps = Pick<ServiceDeps, 'stores' | 'catalog' | 'log'>

export type GenerationKeeper = {
  /** At the start of the server. An unreadable catalog does not prevent startup. */
  begin(): Promise<void>
  /** Moves the generation every 15 minutes. The timer does not keep the process alive. */
  start(): void
  stop(): Promise<void>
  /** Throws Unavailable once the catalog or the store was replaced by another copy. */
  assertFits(): Promise<void>
}

/** The comparison tolerates one step while running, but not the two of a start or stop. See disk/change-log/pairing.ts. */
const step = { running: 1, startOrStop: 2 }
/** In milliseconds: the interval between two steps, and how long a stop waits for the last one. */
const every = 15 * 60_000
const patience = 3000

/** `moves`: true in the one process of a gateway that moves the generation. All processes compare it. */
export function keepGeneration(
  { stores, catalog, log }: Deps,
  { moves, isReplacement }: { moves: boolean; isReplacement: boolean },
): GenerationKeeper {
  const drivers = stores.all.filter((one) => one.paired !== undefined)
  let timer: NodeJS.Timeout | undefined

  async function advance(move: typeof acceptPair): Promise<void> {
    if (!moves) return
    try {
      for (const { name, paired } of drivers) await move(catalog, { name, paired: paired! })
    } catch (err) {
      log.warn({ err }, 'cannot move the catalog and the store to a new generation')
    }
  }

  return {
    // The start has compared the two, so they are a pair from now on.
    begin: () => (isReplacement ? Promise.resolve() : advance(acceptPair)),
    start() {
      timer ??= setInterval(() => void advance(moveBy(step.running)), every).unref()
    },
    async stop() {
      clearInterval(timer)
      let late: NodeJS.Timeout | undefined
      const tooLate = new Promise<void>((resolve) => {
        late = setTimeout(resolve, patience)
      })
      await Promise.race([advance(moveBy(step.startOrStop)), tooLate])
      clearTimeout(late)
    },
    async assertFits() {
      for (const one of drivers) {
        const fit = await fitOf(catalog, one)
        if (fit === 'fits') continue
        throw new StorageError('Unavailable', {
          message: `The ${fit}, because one of them was replaced while the server was running. Restart the server. It prints what to do.`,
        })
      }
    },
  }
}

/** Reads twice before it reports a difference, because the generation may move between the two reads of one comparison. */
async function fitOf(catalog: Pick<Catalog, 'generation'>, driver: StorageDriver): Promise<Fit> {
  const look = async (): Promise<Fit> => driver.paired!.fit(await catalog.generation(driver.name))
  const fit = await look()
  return fit === 'fits' ? fit : look()
}

/**
 * The catalog announces the generation, the store enters it, then the catalog enters it, so a crash in between is not a
 * difference. A pair that does not fit is left as it is, so that the next start refuses it.
 */
const moveBy =
  (by: number): typeof acceptPair =>
  async (catalog, store) => {
    const known = await catalog.generation(store.name)
    if (store.paired.fit(known) === 'fits') await enterNext(catalog, store, { known, by })
  }

/** For a command: records the catalog and the store as a pair, whatever they recorded before. */
export async function acceptPair(
  catalog: Pick<Catalog, 'generation' | 'recordGeneration'>,
  store: Required<Pick<StorageDriver, 'name' | 'paired'>>,
): Promise<void> {
  await enterNext(catalog, store, { known: await catalog.generation(store.name), by: step.startOrStop })
}

async function enterNext(
  catalog: Pick<Catalog, 'recordGeneration'>,
  { name, paired }: Required<Pick<StorageDriver, 'name' | 'paired'>>,
  { known, by }: { known: CatalogGeneration; by: number },
): Promise<void> {
  const number = Math.max(known.announced.number, paired.generation()?.number ?? 0) + by
  const next = { number, mark: randomBytes(8).toString('hex') }
  await catalog.recordGeneration(name, { announced: next })
  await paired.enterGeneration(next)
  await catalog.recordGeneration(name, { current: next })
}
