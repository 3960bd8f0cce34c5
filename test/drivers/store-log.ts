/** Helpers that read the log of a store and the state of its index. */
import { closeSync, cpSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import { BlobLayout } from '../../src/drivers/disk/blob-layout.ts'
import { rebuildIndex } from '../../src/drivers/disk/change-log/rebuild-index.ts'
import { findMiscounted } from '../../src/drivers/disk/quota/usage.ts'

export const packsOf = (dir: string): string[] =>
  readdirSync(new BlobLayout(dir).log)
    .toSorted()
    .map((name) => join(new BlobLayout(dir).log, name))

/**
 * Every row that says something about what is stored, in order. Garbage marks and the rows of garbage are derived, and the
 * number of a row is SQLite's own.
 */
export function dumpIndex(file: string): Record<string, unknown[]> {
  const db = new Database(file, { readonly: true, timeout: 5000 })
  try {
    const all = (sql: string): unknown[] => db.prepare(sql).all()
    return {
      buckets: all('SELECT * FROM buckets ORDER BY name'),
      objects: all(
        `SELECT bucket, key, size, etag, modified_at, acl, sealed, headers, tags, checksum, content, parts, note,
            version, nth, lock FROM objects ORDER BY bucket, key`,
      ),
      versions: all(
        `SELECT bucket, key, version, nth, size, etag, modified_at, replaced_at, acl, headers, tags, checksum, content,
            parts, lock FROM versions ORDER BY bucket, key, version`,
      ),
      blobs: all('SELECT id, size, hex(sums) AS sums FROM blobs WHERE garbage_since IS NULL ORDER BY id'),
      segments: all('SELECT * FROM segments ORDER BY content, start'),
      uploads: all('SELECT * FROM uploads ORDER BY id'),
      parts: all('SELECT * FROM parts ORDER BY upload, number'),
      bucketUsage: all('SELECT * FROM bucket_usage ORDER BY bucket'),
      ownerUsage: all('SELECT * FROM owner_usage ORDER BY owner'),
      miscounted: findMiscounted(db),
      paired: all('SELECT * FROM paired'),
    }
  } finally {
    db.close()
  }
}

/** Makes an index as schema 5 had it. */
export const withoutVersions = `DROP TABLE versions; ALTER TABLE objects DROP COLUMN version;
  ALTER TABLE objects DROP COLUMN nth; ALTER TABLE objects DROP COLUMN lock`

/** A copy of a store beside it, as a crash at this moment would leave it. Removed at the end of the test. */
export function copyStore(dir: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'postern-copy-'))
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }))
  cpSync(dir, copy, { recursive: true })
  return copy
}

export const removeIndex = (dir: string): void => {
  for (const end of ['', '-wal', '-shm']) rmSync(join(dir, `index.sqlite${end}`), { force: true })
}

/** What the log of a store, without its index, makes of it. */
export async function dumpRebuilt(dir: string): Promise<Record<string, unknown[]>> {
  const copy = copyStore(dir)
  removeIndex(copy)
  const { gaps, missingBlobs } = await rebuildIndex({ root: copy })
  if (gaps.length + missingBlobs.length > 0) throw new Error(JSON.stringify({ gaps, missingBlobs }))
  return dumpIndex(join(copy, 'index.sqlite'))
}

export function overwrite(path: string, at: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+')
  try {
    writeSync(fd, bytes, 0, bytes.length, at)
  } finally {
    closeSync(fd)
  }
}
