/**
 * Checks the index for consistency. Every check is one statement, so it sees a consistent state while a server writes.
 */
import { orphanLimit } from '../../driver.ts'
import type { Problem, ProblemKind } from '../../verify-problems.ts'
import { storedObjects } from '../object-rows.ts'
import { findMiscounted, recountUsage } from '../quota/usage.ts'
import type { VerifyContext } from './context.ts'

type Found = Omit<Problem, 'kind' | 'repair' | 'detail'>
type RowCheck = {
  kind: ProblemKind
  detail: string
  sql: string
  /** Statements for each row found. Each checks again that the row still needs repair. Parameters are named. */
  mend?: string[]
}

/** Whether one blob is in use. The variant for all blobs below collects each list only once. */
const isInUse = `(EXISTS (SELECT 1 FROM ${storedObjects} WHERE content = b.id AND parts = 0)
  OR EXISTS (SELECT 1 FROM segments WHERE blob = b.id) OR EXISTS (SELECT 1 FROM parts WHERE blob = b.id))`

const areInUse = `(b.id IN (SELECT content FROM ${storedObjects} WHERE parts = 0) OR b.id IN (SELECT blob FROM segments)
  OR b.id IN (SELECT blob FROM parts))`

const checks: RowCheck[] = [
  {
    kind: 'object-without-blob',
    detail: 'the index has no row for the bytes of this object',
    sql: `SELECT bucket, key, content AS blob FROM ${storedObjects} o WHERE parts = 0
      AND NOT EXISTS (SELECT 1 FROM blobs WHERE id = o.content)
      UNION ALL SELECT o.bucket, o.key, s.blob FROM ${storedObjects} o JOIN segments s ON s.content = o.content
      WHERE o.parts > 0 AND NOT EXISTS (SELECT 1 FROM blobs WHERE id = s.blob)`,
  },
  {
    kind: 'object-parts',
    detail: 'the sizes of the parts do not add up to the size of this object',
    sql: `SELECT bucket, key FROM ${storedObjects} o WHERE parts > 0 AND NOT EXISTS (
      SELECT 1 FROM (SELECT count(*) AS n, sum(s.size) AS bytes, total(s.size <> b.size) AS unlike
        FROM segments s LEFT JOIN blobs b ON b.id = s.blob WHERE s.content = o.content)
      WHERE n = o.parts AND bytes = o.size AND unlike = 0)
      UNION SELECT s.bucket, s.key FROM (
        SELECT o.bucket, o.key, s.start, sum(s.size) OVER (PARTITION BY o.bucket, o.key, o.version ORDER BY s.start
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM ${storedObjects} o JOIN segments s ON s.content = o.content WHERE o.parts > 0) s
      WHERE s.start <> coalesce(s.before, 0)
      UNION SELECT o.bucket, o.key FROM ${storedObjects} o JOIN blobs b ON b.id = o.content
        WHERE o.parts = 0 AND b.size <> o.size`,
  },
  {
    kind: 'object-without-bucket',
    detail: 'the bucket of this object does not exist',
    sql: `SELECT bucket, key FROM ${storedObjects} o WHERE NOT EXISTS (SELECT 1 FROM buckets WHERE name = o.bucket)`,
  },
  {
    kind: 'part-without-blob',
    detail: 'the index has no row for the bytes of this part. The client must upload it again',
    sql: `SELECT u.bucket, u.key, p.upload AS uploadId, p.number AS partNumber, p.blob
      FROM parts p JOIN uploads u ON u.id = p.upload WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE id = p.blob)`,
  },
  {
    kind: 'part-without-upload',
    detail: 'this part belongs to no unfinished upload',
    sql: `SELECT upload AS uploadId, number AS partNumber, blob FROM parts p
      WHERE NOT EXISTS (SELECT 1 FROM uploads WHERE id = p.upload AND completed_at IS NULL)`,
    mend: [
      `DELETE FROM parts WHERE upload = @uploadId AND number = @partNumber
        AND NOT EXISTS (SELECT 1 FROM uploads WHERE id = @uploadId AND completed_at IS NULL)`,
      `UPDATE blobs AS b SET garbage_since = @now WHERE id = @blob AND garbage_since IS NULL AND NOT ${isInUse}`,
    ],
  },
  {
    kind: 'segments-without-object',
    detail: 'this part belongs to no object',
    sql: `SELECT content AS uploadId, part AS partNumber, blob FROM segments s
      WHERE NOT EXISTS (SELECT 1 FROM ${storedObjects} WHERE content = s.content AND parts > 0)`,
    mend: [
      `DELETE FROM segments WHERE content = @uploadId AND part = @partNumber
        AND NOT EXISTS (SELECT 1 FROM ${storedObjects} WHERE content = @uploadId AND parts > 0)`,
      `UPDATE blobs AS b SET garbage_since = @now WHERE id = @blob AND garbage_since IS NULL AND NOT ${isInUse}`,
    ],
  },
  {
    kind: 'blob-marked-garbage',
    detail: 'an object needs these bytes, but they are marked as garbage',
    sql: `SELECT id AS blob FROM blobs b WHERE garbage_since IS NOT NULL AND ${areInUse}`,
    mend: [`UPDATE blobs AS b SET garbage_since = NULL WHERE id = @blob AND ${isInUse}`],
  },
  {
    kind: 'blob-without-object',
    detail: 'nothing refers to these bytes',
    sql: `SELECT id AS blob FROM blobs b WHERE garbage_since IS NULL AND NOT ${areInUse}`,
    mend: [`UPDATE blobs AS b SET garbage_since = @now WHERE id = @blob AND garbage_since IS NULL AND NOT ${isInUse}`],
  },
]

export async function verifyRows(ctx: VerifyContext, { logKnowsMore }: { logKnowsMore: boolean }): Promise<void> {
  const { db, report, deep } = ctx
  const state = db.pragma(deep ? 'integrity_check(20)' : 'quick_check(20)', { simple: false }) as object[]
  const said = state.map((row) => String(Object.values(row)[0])).filter((line) => line !== 'ok')
  for (const detail of said) report.problem({ kind: 'index-damaged', detail, repair: 'left' })
  for (const table of ['objects', 'uploads', 'parts'] as const) {
    const { n } = db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }
    report.count(table, n)
  }
  for (const check of checks) {
    ctx.signal.throwIfAborted()
    const found = db.prepare<[], Found>(check.sql).all()
    const tooMany = isRemoval(check) && ctx.repair ? refused(ctx, check, found.length, logKnowsMore) : undefined
    for (const row of found) {
      const outcome = tooMany === undefined ? await mend(ctx, check, row) : { detail: tooMany, repair: 'left' as const }
      report.problem({ ...row, ...outcome, kind: check.kind })
    }
  }
  await verifyUsage(ctx)
}

async function verifyUsage({ db, queue, report }: VerifyContext): Promise<void> {
  const found = findMiscounted(db)
  if (found.length > 0) await queue?.run(() => recountUsage(db))
  const detail = 'the usage that the quota compares differs from the rows'
  for (const row of found) report.problem({ kind: 'usage', ...row, detail, repair: queue ? 'corrected' : 'left' })
}

/** Whether the repair marks the bytes of a blob as garbage. */
const isRemoval = ({ kind, mend: statements }: RowCheck): boolean =>
  statements !== undefined && kind !== 'blob-marked-garbage'

function refused(ctx: VerifyContext, check: RowCheck, found: number, logKnowsMore: boolean): string | undefined {
  if (!logKnowsMore) return beyondLimit(ctx, check, found)
  return (
    `${check.detail}; the log has rows that the index lacks, so nothing was removed. Stop the server, run ` +
    'postern rebuild-index, then postern verify again'
  )
}

/** Many unreferenced rows suggest that the index has lost rows. Nothing is removed then. */
function beyondLimit({ db, allowed = 0 }: VerifyContext, { detail }: RowCheck, found: number): string | undefined {
  const { n } = db.prepare('SELECT count(*) AS n FROM blobs').get() as { n: number }
  const limit = orphanLimit(n)
  if (found <= Math.max(limit, allowed)) return undefined
  return (
    `${detail}; this affects ${found} of ${n} blobs, over the limit of ${limit}, so nothing was removed. An index that lost ` +
    `rows looks like this. Restore a backup. If the blobs are not needed, run:  postern verify --repair --yes-delete ${found}`
  )
}

async function mend(
  { db, queue }: VerifyContext,
  check: RowCheck,
  row: Found,
): Promise<Pick<Problem, 'detail' | 'repair'>> {
  const { detail } = check
  const statements = check.mend
  if (!queue || !statements) return { detail, repair: 'left' }
  const values = { ...row, now: Date.now() }
  await queue.run(() => {
    for (const sql of statements) db.prepare(sql).run(values)
  })
  return { detail, repair: check.kind === 'blob-marked-garbage' ? 'corrected' : 'removed' }
}
