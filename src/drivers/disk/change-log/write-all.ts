/**
 * Writes the state of the whole store to the log, page by page and concurrently with other writes: for a store that had
 * no log, for a rebuilt one, and to shorten the log. After the last page, a `whole` state records from which pack on
 * the log is complete. Earlier packs are no longer needed.
 *
 * A page contains an object together with its list and blobs. A rebuild from these packs must not depend on an earlier
 * page, because a write between two pages may release what both share.
 */
import { WithStates, type CommitQueue } from '../commit-queue.ts'
import type { Index } from '../open-index.ts'
import { Positions } from './position.ts'
import { StateReader, type State } from './states.ts'

/** Rows per page. A page delays other writes by some milliseconds. */
const pageSize = 200
/** Bytes of block sums in one frame. */
const frameSums = 4 * 1024 * 1024

const tables = ['buckets', 'objects', 'versions', 'uploads'] as const
type Cursor = { from: number; table: (typeof tables)[number]; after: readonly string[] }

/** The first value of `unlogged`: no state is written yet. */
export const startOfStates = ''

export class StatePages {
  readonly #reader: StateReader
  readonly #positions: Positions
  readonly #buckets
  readonly #objects
  readonly #versions
  readonly #uploads
  readonly #parts

  constructor(db: Index) {
    this.#reader = new StateReader(db)
    this.#positions = new Positions(db)
    this.#buckets = db.prepare<[string, number], { name: string }>(
      'SELECT name FROM buckets WHERE name > ? ORDER BY name LIMIT ?',
    )
    this.#objects = db.prepare<[string, string, number], { bucket: string; key: string }>(
      'SELECT bucket, key FROM objects WHERE (bucket, key) > (?, ?) ORDER BY bucket, key LIMIT ?',
    )
    this.#versions = db.prepare<[string, string, string, number], { bucket: string; key: string; version: string }>(
      `SELECT bucket, key, version FROM versions WHERE (bucket, key, version) > (?, ?, ?)
        ORDER BY bucket, key, version LIMIT ?`,
    )
    this.#uploads = db.prepare<[string, number], { id: string }>(
      'SELECT id FROM uploads WHERE id > ? ORDER BY id LIMIT ?',
    )
    this.#parts = db.prepare<[string], { number: number; blob: string }>(
      'SELECT number, blob FROM parts WHERE upload = ? ORDER BY number',
    )
  }

  /** Writes the next page. Resolves to true after the last one. */
  next(queue: CommitQueue): Promise<boolean> {
    return queue.run<boolean>(() => {
      const position = this.#positions.read()!
      if (position.unlogged === null) return true
      const cursor = parse(position.unlogged, position.pack)
      const { states, after } = this.#page(cursor)
      const table = tables[tables.indexOf(cursor.table) + (after === null ? 1 : 0)]
      if (table !== undefined) {
        const unlogged = JSON.stringify({ from: cursor.from, table, after: after ?? [] } satisfies Cursor)
        return new WithStates(false, frames(states), { unlogged })
      }
      const whole: State = { is: 'whole', from: cursor.from }
      return new WithStates(true, frames([...states, this.#reader.paired(), whole]), {
        unlogged: null,
        firstPack: cursor.from,
      })
    })
  }

  /** Starts to rewrite all states into new packs. The earlier packs are deleted at the end. */
  begin(queue: CommitQueue): Promise<void> {
    return queue.run<void>(() => {
      const { pack, unlogged } = this.#positions.read()!
      if (unlogged !== null) return
      const cursor: Cursor = { from: pack + 1, table: 'buckets', after: [] }
      return new WithStates(undefined, [], { unlogged: JSON.stringify(cursor), newPack: true })
    })
  }

  #page({ table, after }: Cursor): { states: State[]; after: string[] | null } {
    const [first = '', second = '', third = ''] = after
    const states: State[] = []
    switch (table) {
      case 'buckets': {
        const rows = this.#buckets.all(first, pageSize)
        states.push(...rows.map(({ name }) => this.#reader.bucket(name)))
        return { states, after: rows.length < pageSize ? null : [rows.at(-1)!.name] }
      }
      case 'objects': {
        const rows = this.#objects.all(first, second, pageSize)
        for (const { bucket, key } of rows) {
          states.push(...this.#withContent(this.#reader.object(bucket, key)))
          if (states.length > pageSize * 3) return { states, after: [bucket, key] }
        }
        const last = rows.at(-1)
        return { states, after: rows.length < pageSize ? null : [last!.bucket, last!.key] }
      }
      case 'versions': {
        const rows = this.#versions.all(first, second, third, pageSize)
        for (const { bucket, key, version } of rows) {
          states.push(...this.#withContent(this.#reader.version(bucket, key, version)))
          if (states.length > pageSize * 3) return { states, after: [bucket, key, version] }
        }
        const last = rows.at(-1)
        return { states, after: rows.length < pageSize ? null : [last!.bucket, last!.key, last!.version] }
      }
      default: {
        const rows = this.#uploads.all(first, pageSize)
        for (const { id } of rows) {
          states.push(this.#reader.upload(id), ...this.#partsOf(id))
          if (states.length > pageSize * 3) return { states, after: [id] }
        }
        return { states, after: rows.length < pageSize ? null : [rows.at(-1)!.id] }
      }
    }
  }

  #withContent(state: State): State[] {
    return [...this.#reader.contentOf(state), state]
  }

  #partsOf(upload: string): State[] {
    return this.#parts
      .all(upload)
      .flatMap(({ number, blob }) => [...this.#reader.blob(blob), ...this.#reader.part(upload, number)])
  }
}

function parse(unlogged: string, pack: number): Cursor {
  if (unlogged === startOfStates) return { from: pack, table: 'buckets', after: [] }
  return JSON.parse(unlogged) as Cursor
}

/** Splits the states into frames with at most a few MiB of block sums each. */
function frames(states: readonly State[]): State[][] {
  const all: State[][] = []
  let sums = Infinity
  for (const state of states) {
    if (sums > frameSums) {
      all.push([])
      sums = 0
    }
    all.at(-1)!.push(state)
    if (state.is === 'blob') sums += state.sums.length
  }
  return all
}
