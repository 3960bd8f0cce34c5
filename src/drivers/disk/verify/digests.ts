/**
 * Compares digests of whole objects, for `deep`. Block sums detect changed bits, and digests detect wrong bytes at a
 * key. A temporary table keeps the MD5s of blobs until every part of an object has been read.
 */
import { createHash } from 'node:crypto'
import { startChecksum } from '../../checksums/checksum.ts'
import type { Problem } from '../../verify-problems.ts'
import { parseChecksum, storedObjects } from '../object-rows.ts'
import { pageSize, type VerifyContext } from './context.ts'

export const prepareDigests = ({ db }: VerifyContext): void =>
  void db.exec('CREATE TEMP TABLE digests (blob TEXT PRIMARY KEY, md5 TEXT NOT NULL) WITHOUT ROWID')

/** Computes the checksums of the objects that consist of this one blob while its bytes are read. */
export function wholeChecksums(ctx: VerifyContext, blob: string) {
  const rows = ctx.db
    .prepare<[string], { bucket: string; key: string; checksum: string }>(
      `SELECT bucket, key, checksum FROM ${storedObjects} WHERE content = ? AND parts = 0 AND checksum IS NOT NULL`,
    )
    .all(blob)
  const objects = rows
    .map(({ checksum, ...ref }) => ({ ...ref, checksum: parseChecksum(checksum) }))
    .filter(({ checksum }) => checksum.type !== 'COMPOSITE')
  const algorithms = new Set(objects.map(({ checksum }) => checksum.algorithm))
  const running = new Map([...algorithms].map((algorithm) => [algorithm, startChecksum(algorithm)]))
  return {
    update(bytes: Buffer): void {
      for (const state of running.values()) state.update(bytes)
    },
    /** Must be called only if the block sums match. */
    settle(md5: Buffer): void {
      const values = new Map([...running].map(([name, state]) => [name, state.digest().toString('base64')]))
      for (const { bucket, key, checksum } of objects) {
        if (values.get(checksum.algorithm) === checksum.value) continue
        ctx.report.problem(wrong({ bucket, key, blob }, `the bytes do not match its ${checksum.algorithm} checksum`))
      }
      ctx.db.prepare('INSERT OR REPLACE INTO temp.digests VALUES (?, ?)').run(blob, md5.toString('hex'))
    },
  }
}

const wrong = (where: Partial<Problem>, detail: string): Problem => ({
  ...where,
  kind: 'object-digest',
  detail,
  repair: 'left',
})

type ObjectRow = { bucket: string; key: string; version: string; etag: string; content: string; parts: number }

/**
 * Must be called after all blobs were read. Skips objects that were written in the meantime, which have no digest yet.
 */
export function verifyDigests(ctx: VerifyContext): void {
  const { db, report } = ctx
  const single = `SELECT bucket, key, d.blob FROM ${storedObjects} o JOIN temp.digests d ON d.blob = o.content
    WHERE o.parts = 0 AND o.etag <> d.md5`
  const parts = `SELECT u.bucket, u.key, p.upload AS uploadId, p.number AS partNumber, p.blob FROM parts p
    JOIN temp.digests d ON d.blob = p.blob JOIN uploads u ON u.id = p.upload WHERE p.etag <> d.md5`
  for (const sql of [single, parts]) {
    for (const row of db.prepare<[], Partial<Problem>>(sql).all())
      report.problem(wrong(row, 'the ETag differs from the MD5 of the bytes'))
  }
  const page = db.prepare<[string, string, string, number], ObjectRow>(
    `SELECT bucket, key, version, etag, content, parts FROM ${storedObjects}
      WHERE parts > 0 AND (bucket, key, version) > (?, ?, ?) ORDER BY bucket, key, version LIMIT ?`,
  )
  for (let at = { bucket: '', key: '', version: '' }; ;) {
    ctx.signal.throwIfAborted()
    const rows = page.all(at.bucket, at.key, at.version, pageSize)
    if (rows.length === 0) return
    at = rows.at(-1)!
    for (const row of rows) {
      const etag = joinedEtag(ctx, row)
      if (etag === null || etag === row.etag) continue
      report.problem(wrong({ bucket: row.bucket, key: row.key }, 'the ETag does not match the parts'))
    }
  }
}

/** null if a part is missing, damaged or unread. Another check reports it. */
function joinedEtag({ db }: VerifyContext, { content, ...row }: ObjectRow): string | null {
  const parts = db
    .prepare<[string], { md5: string | null }>(
      `SELECT d.md5 FROM segments s LEFT JOIN temp.digests d ON d.blob = s.blob WHERE s.content = ? ORDER BY s.start`,
    )
    .all(content)
  if (parts.length !== row.parts) return null
  const md5 = createHash('md5')
  for (const part of parts) {
    if (part.md5 === null) return null
    md5.update(part.md5, 'hex')
  }
  return `${md5.digest('hex')}-${parts.length}`
}
