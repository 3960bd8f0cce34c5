/** Checks the log, and with `deep` or `repair` compares the index with one that is rebuilt from the log. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packName } from '../change-log/pack.ts'
import { Positions } from '../change-log/position.ts'
import { readLog } from '../change-log/read-log.ts'
import { StateWriter } from '../change-log/states.ts'
import { objectColumns } from '../object-rows.ts'
import { versionColumns } from '../versions/version-rows.ts'
import { openIndex, type Index } from '../open-index.ts'
import { compareText } from '../text-order.ts'
import type { VerifyContext } from './context.ts'

/** Maximum of reported differences per table. */
const maxListed = 100

/** Ordered by key. Derived values are left out: garbage marks and row ids. */
const tables: Record<string, { key: readonly string[]; sql: string }> = {
  buckets: { key: ['name'], sql: 'SELECT * FROM buckets ORDER BY name' },
  objects: {
    key: ['bucket', 'key'],
    sql: `SELECT ${objectColumns} FROM objects ORDER BY bucket, key`,
  },
  versions: {
    key: ['bucket', 'key', 'version'],
    sql: `SELECT ${versionColumns} FROM versions ORDER BY bucket, key, version`,
  },
  blobs: { key: ['id'], sql: 'SELECT id, size, hex(sums) AS sums FROM blobs WHERE garbage_since IS NULL ORDER BY id' },
  segments: { key: ['content', 'start'], sql: 'SELECT * FROM segments ORDER BY content, start' },
  uploads: { key: ['id'], sql: 'SELECT * FROM uploads ORDER BY id' },
  parts: { key: ['upload', 'number'], sql: 'SELECT * FROM parts ORDER BY upload, number' },
  paired: { key: ['one'], sql: 'SELECT * FROM paired' },
}

/** True if the log has rows that the index lacks. Unreferenced data may then still be needed. */
export function verifyLog(ctx: VerifyContext): boolean {
  const folder = ctx.deep || ctx.repair ? mkdtempSync(join(tmpdir(), 'postern-verify-')) : null
  const rebuilt = folder === null ? null : openIndex(join(folder, 'index.sqlite'))
  try {
    // A snapshot of the index. The log is read up to the position of this snapshot.
    return ctx.db.transaction(() => check(ctx, rebuilt))()
  } finally {
    rebuilt?.close()
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}

function check({ db, root, report, signal }: VerifyContext, rebuilt: Index | null): boolean {
  const position = new Positions(db).read()
  if (!position) return false
  const writer = rebuilt && new StateWriter(rebuilt)
  const read = (): ReturnType<typeof readLog> =>
    readLog(
      root,
      (states) => {
        signal.throwIfAborted()
        writer?.apply(states, 0)
      },
      { until: position },
    )
  const reading = rebuilt ? rebuilt.transaction(read)() : read()
  const damaged = (detail: string): void => report.problem({ kind: 'log-damaged', detail, repair: 'left' })
  report.count('changes', reading?.frames ?? 0)
  for (const { pack, from, to, lostFrames } of reading?.gaps ?? []) {
    damaged(`objects/log/${pack}: bytes ${from} to ${to} cannot be read and contained ${lostFrames} changes`)
  }
  if (reading === null || reading.end.sequence !== position.sequence) {
    const where = `frame ${position.sequence} in ${packName(position.pack)}`
    damaged(
      `the index follows the log up to ${where}, and the log is readable up to frame ${reading?.end.sequence ?? 0}`,
    )
    return true
  }
  if (!rebuilt || reading.gaps.length > 0 || !reading.isWhole || position.unlogged !== null) return false
  let lacks = false
  for (const [table, { key, sql }] of Object.entries(tables)) {
    let listed = 0
    for (const { at, is, isMissing } of differences(db, rebuilt, key, sql)) {
      lacks ||= isMissing
      if (++listed > maxListed) break
      report.problem({ kind: 'index-differs', detail: `${table}, ${at}: ${is}`, repair: 'left' })
    }
  }
  return lacks
}

type Row = Record<string, unknown>

function* differences(
  index: Index,
  log: Index,
  key: readonly string[],
  sql: string,
): Generator<{ at: string; is: string; isMissing: boolean }> {
  const keyOf = (row: Row): string =>
    key
      .map((column) => (typeof row[column] === 'number' ? String(row[column]).padStart(16, '0') : String(row[column])))
      .join('\0')
  const name = (row: Row): string => key.map((column) => String(row[column])).join('/')
  const left = index.prepare<[], Row>(sql).iterate()
  const right = log.prepare<[], Row>(sql).iterate()
  try {
    let a = left.next()
    let b = right.next()
    while (!a.done || !b.done) {
      const order = a.done ? 1 : b.done ? -1 : compareText(keyOf(a.value), keyOf(b.value))
      if (order < 0) yield { at: name(a.value as Row), is: 'in the index and not in the log', isMissing: false }
      else if (order > 0) yield { at: name(b.value as Row), is: 'in the log and not in the index', isMissing: true }
      else if (JSON.stringify(a.value) !== JSON.stringify(b.value)) {
        yield { at: name(a.value as Row), is: 'different in the index and in the log', isMissing: true }
      }
      if (order <= 0) a = left.next()
      if (order >= 0) b = right.next()
    }
  } finally {
    left.return?.()
    right.return?.()
  }
}
