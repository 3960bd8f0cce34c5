/**
 * Records what a job changes. Triggers of this connection report every row, so no method can bypass the log. A change
 * outside of a job is an error.
 */
import type { Index } from '../open-index.ts'

export type Touched = {
  blobs: string[]
  contents: string[]
  buckets: string[]
  uploads: string[]
  parts: { upload: string; number: number }[]
  objects: { bucket: string; key: string }[]
  versions: { bucket: string; key: string; version: string }[]
  isPaired: boolean
}

type Watched = { table: string; key: readonly string[]; on: readonly ('INSERT' | 'UPDATE' | 'DELETE')[] }

/** Garbage marks and deleted blob rows are derived, so they are not watched. */
const watched: readonly Watched[] = [
  { table: 'blobs', key: ['id'], on: ['INSERT'] },
  { table: 'segments', key: ['content'], on: ['INSERT', 'UPDATE', 'DELETE'] },
  { table: 'buckets', key: ['name'], on: ['INSERT', 'UPDATE', 'DELETE'] },
  { table: 'uploads', key: ['id'], on: ['INSERT', 'UPDATE', 'DELETE'] },
  { table: 'parts', key: ['upload', 'number'], on: ['INSERT', 'UPDATE', 'DELETE'] },
  { table: 'objects', key: ['bucket', 'key'], on: ['INSERT', 'UPDATE', 'DELETE'] },
  { table: 'versions', key: ['bucket', 'key', 'version'], on: ['INSERT', 'UPDATE', 'DELETE'] },
  { table: 'paired', key: ['one'], on: ['INSERT', 'UPDATE', 'DELETE'] },
]

type Mode = 'refuse' | 'collect' | 'ignore'

export class TouchedRows {
  #mode: Mode = 'refuse'
  readonly #found = new Map<string, Map<string, unknown[]>>(watched.map(({ table }) => [table, new Map()]))

  constructor(db: Index) {
    const note = (table: unknown, ...key: unknown[]): null => {
      if (this.#mode === 'refuse') throw new Error(`${String(table)} was changed outside of a job of the CommitQueue`)
      if (this.#mode === 'collect') this.#found.get(String(table))!.set(key.join('\0'), key)
      return null
    }
    db.function('postern_touched', { varargs: true }, note)
    for (const { table, key, on } of watched) {
      for (const event of on) {
        const row = event === 'DELETE' ? 'old' : 'new'
        db.exec(
          `CREATE TEMP TRIGGER touched_${table}_${event} AFTER ${event} ON main.${table}
            BEGIN SELECT postern_touched('${table}', ${key.map((column) => `${row}.${column}`).join(', ')}); END`,
        )
      }
    }
  }

  /** Runs a job and returns its changes. null if it changed nothing or threw. */
  during<T>(job: () => T): { value: T; touched: Touched | null } {
    for (const rows of this.#found.values()) rows.clear()
    const value = this.#as('collect', job)
    const isEmpty = [...this.#found.values()].every((rows) => rows.size === 0)
    return { value, touched: isEmpty ? null : this.#touched() }
  }

  /** Runs work without recording its changes, for states that come from the log. */
  ignored<T>(work: () => T): T {
    return this.#as('ignore', work)
  }

  #as<T>(mode: Mode, work: () => T): T {
    const before = this.#mode
    this.#mode = mode
    try {
      return work()
    } finally {
      this.#mode = before
    }
  }

  #touched(): Touched {
    const keys = (table: string): unknown[][] => [...this.#found.get(table)!.values()]
    const first = (table: string): string[] => keys(table).map(([key]) => String(key))
    return {
      blobs: first('blobs'),
      contents: first('segments'),
      buckets: first('buckets'),
      uploads: first('uploads'),
      parts: keys('parts').map(([upload, number]) => ({ upload: String(upload), number: Number(number) })),
      objects: keys('objects').map(([bucket, key]) => ({ bucket: String(bucket), key: String(key) })),
      versions: keys('versions').map(([bucket, key, version]) => ({
        bucket: String(bucket),
        key: String(key),
        version: String(version),
      })),
      isPaired: keys('paired').length > 0,
    }
  }
}
