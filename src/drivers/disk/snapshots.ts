/**
 * Snapshots for the test kit: copies the whole index to memory and restores it. Blobs are immutable, so their bytes
 * stay in place.
 */
import type { DriverSnapshots } from '../driver.ts'
import type { DiskContext } from './context.ts'
import type { Index } from './open-index.ts'

const tables = ['buckets', 'blobs', 'objects', 'versions', 'segments', 'uploads', 'parts'] as const
type Table = (typeof tables)[number]
type Row = Record<string, unknown> & { id?: string }
type Rows = Map<Table, Row[]>

/**
 * No blob of a snapshot is deleted until the driver closes. A restore is an ordinary job, so the log gets the resulting
 * states.
 */
export function createSnapshots({ queue, garbage, now }: DiskContext, db: Index): DriverSnapshots {
  const taken = new Map<string, Rows>()

  function fillTable(table: Table, rows: readonly Row[]): void {
    const [first] = rows
    if (!first) return
    const columns = Object.keys(first)
    const insert = db.prepare<[Row]>(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`,
    )
    for (const row of rows) insert.run(row)
  }

  return {
    take: (id) =>
      queue.run(() => {
        const rows: Rows = new Map(tables.map((table) => [table, db.prepare<[], Row>(`SELECT * FROM ${table}`).all()]))
        for (const { id: blob } of rows.get('blobs')!) garbage.keep(blob!)
        taken.set(id, rows)
      }),

    restore: (id) =>
      queue.run(() => {
        const rows = taken.get(id)
        if (!rows) return false
        const known = new Set(rows.get('blobs')!.map((row) => row.id))
        const later = db
          .prepare<[], Row>('SELECT * FROM blobs')
          .all()
          .filter((row) => !known.has(row.id))
          .map((row) => ({ ...row, garbage_since: row['garbage_since'] ?? now().getTime() }))
        for (const table of tables) db.exec(`DELETE FROM ${table}`)
        for (const table of tables)
          fillTable(table, table === 'blobs' ? [...rows.get(table)!, ...later] : rows.get(table)!)
        return true
      }),
  }
}
