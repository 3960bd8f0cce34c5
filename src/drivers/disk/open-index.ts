/** Opens the object index, a SQLite file that follows the log (change-log/). */
import type Database from 'better-sqlite3'
import { cannotOpen } from '../../cannot-open.ts'
import { StorageError } from '../../errors.ts'
import { makePrivate, openDatabaseFile } from '../../sqlite-file.ts'
import { isBusy } from '../../sqlite-lock.ts'
import { countUsage, recountUsage, usageTables } from './quota/usage.ts'
import { damagedIndex, UnusableStore } from './store-error.ts'

export type Index = Database.Database

export const schemaVersion = 7

/** Milliseconds. Reads never wait in WAL mode. The CommitQueue retries a busy write without blocking the event loop. */
export const busyTimeout = 10

/** `objects.content` is the id of a blob, or with `parts` > 0 the id of the blobs in `segments`. */
const schema = `
CREATE TABLE buckets (
  name TEXT PRIMARY KEY, owner TEXT NOT NULL, created_at INTEGER NOT NULL, acl TEXT NOT NULL, cors TEXT,
  configuration TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX buckets_of_owner ON buckets (owner, name);

CREATE TABLE blobs (
  id TEXT PRIMARY KEY, size INTEGER NOT NULL, sums BLOB NOT NULL, garbage_since INTEGER
) STRICT;
CREATE INDEX garbage_blobs ON blobs (garbage_since) WHERE garbage_since IS NOT NULL;

CREATE TABLE objects (
  id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
  modified_at INTEGER NOT NULL, acl TEXT NOT NULL, sealed INTEGER NOT NULL DEFAULT 0, headers TEXT NOT NULL,
  tags TEXT NOT NULL, checksum TEXT, content TEXT NOT NULL, parts INTEGER NOT NULL, note TEXT,
  UNIQUE (bucket, key)
) STRICT;
CREATE INDEX objects_of_content ON objects (content);

CREATE TABLE segments (
  content TEXT NOT NULL, start INTEGER NOT NULL, part INTEGER NOT NULL, size INTEGER NOT NULL, blob TEXT NOT NULL,
  checksum TEXT,
  PRIMARY KEY (content, start)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX segments_by_part ON segments (content, part);

CREATE TABLE uploads (
  id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated_at INTEGER NOT NULL, acl TEXT NOT NULL,
  headers TEXT NOT NULL, tags TEXT NOT NULL, algorithm TEXT, checksum_type TEXT,
  completed_at INTEGER, request TEXT, result TEXT, initiation TEXT
) STRICT;
CREATE UNIQUE INDEX open_uploads ON uploads (bucket, key, id) WHERE completed_at IS NULL;
CREATE INDEX completed_uploads ON uploads (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE parts (
  upload TEXT NOT NULL, number INTEGER NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
  checksum TEXT, modified_at INTEGER NOT NULL,
  PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
`

/** The position of the index in the log. See change-log/position.ts. */
const position = `
CREATE TABLE applied (
  one INTEGER PRIMARY KEY CHECK (one = 1), store TEXT NOT NULL, epoch INTEGER NOT NULL, pack INTEGER NOT NULL,
  at INTEGER NOT NULL, frame INTEGER NOT NULL, sequence INTEGER NOT NULL, crc INTEGER NOT NULL,
  first_pack INTEGER NOT NULL, unlogged TEXT
) STRICT;
CREATE INDEX unnoted_objects ON objects (id) WHERE sealed = 1 AND note IS NULL;
`

/** The catalog that this store was last used with. See change-log/pairing.ts. */
const paired = `
CREATE TABLE paired (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, mark TEXT NOT NULL) STRICT;
`

/**
 * `objects` has the current object of each key, so the cost of a listing does not depend on the number of versions.
 * `versions` has the other versions and all delete markers, also current ones. `nth` orders the versions of a key, and
 * the current one has the greatest. `content` is null for a delete marker. `lock` is JSON of an ObjectLock.
 */
const versions = `
ALTER TABLE objects ADD COLUMN version TEXT NOT NULL DEFAULT 'null';
ALTER TABLE objects ADD COLUMN nth INTEGER NOT NULL DEFAULT 0;
ALTER TABLE objects ADD COLUMN lock TEXT;
CREATE TABLE versions (
  bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, nth INTEGER NOT NULL, size INTEGER NOT NULL,
  etag TEXT NOT NULL, modified_at INTEGER NOT NULL, replaced_at INTEGER NOT NULL, acl TEXT NOT NULL,
  headers TEXT NOT NULL, tags TEXT NOT NULL, checksum TEXT, content TEXT, parts INTEGER NOT NULL, lock TEXT,
  UNIQUE (bucket, key, version)
) STRICT;
CREATE INDEX versions_in_order ON versions (bucket, key, nth DESC);
CREATE INDEX versions_of_content ON versions (content) WHERE content IS NOT NULL;
`

/**
 * Commits are not synced, because the log is. After a power cut, the index is an earlier state that knows its position.
 * The writer runs the checkpoints, because SQLite does not report the error of an automatic one. `timeout`:
 * milliseconds for which this thread blocks while another process has locked the index. Errors: Unavailable if the file
 * is not an index, or has a newer version.
 */
export function openIndex(file: string, o: { timeout?: number } = {}): Index {
  let db: Index | undefined
  try {
    makePrivate(file)
    db = openDatabaseFile(file, { timeout: o.timeout ?? 5000 })
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma('wal_autocheckpoint = 0')
    db.pragma('journal_size_limit = 67108864')
    db.pragma('cache_size = -16000')
    assertPragma(db, 'journal_mode', 'wal')
    assertPragma(db, 'synchronous', 1)
    if (!migrate(db)) countUsage(db)
    db.pragma(`busy_timeout = ${busyTimeout}`)
    return db
  } catch (cause) {
    db?.close()
    if (cause instanceof StorageError) throw cause
    throw isDamage(cause)
      ? new UnusableStore(damagedIndex(file), { cause })
      : new StorageError('Unavailable', { message: unopenable(file, cause), cause })
  }
}

const isDamage = (cause: unknown): boolean => /^SQLITE_(CORRUPT|NOTADB)/.test((cause as { code?: string }).code ?? '')

function unopenable(file: string, cause: unknown): string {
  if (isBusy(cause)) {
    return (
      `The object index ${file} is locked by another process. Stop that process (a tool that copies files or opens the ` +
      'database), then start again.'
    )
  }
  return `The object index ${cannotOpen(file, cause, { or: 'name another folder with --storage' })}`
}

function assertPragma(db: Index, name: string, expected: string | number): void {
  const actual = db.pragma(name, { simple: true })
  if (actual !== expected)
    throw new StorageError('Unavailable', {
      message: `The object index cannot be made durable here: ${name} is ${String(actual)}.`,
    })
}

/**
 * Runs under one write lock, so that two processes that start together create the schema once. Returns false if the
 * counting triggers do not exist yet.
 */
function migrate(db: Index): boolean {
  const version = (): number => Number(db.pragma('user_version', { simple: true }))
  if (version() === schemaVersion) return false
  return db
    .transaction(() => {
      const found = version()
      if (found === schemaVersion) return false
      if (found > schemaVersion)
        throw new StorageError('Unavailable', {
          message:
            `The object index has schema version ${found}, and this program supports ${schemaVersion}. ` +
            'A newer version wrote it. Run that version, or restore a backup.',
        })
      if (found === 0) db.exec(schema)
      if (found === 1) db.exec('ALTER TABLE segments ADD COLUMN checksum TEXT')
      if (found === 1 || found === 2) db.exec('ALTER TABLE objects ADD COLUMN note TEXT')
      if (found < 3) db.exec(position)
      if (found > 0 && found < 5) db.exec('ALTER TABLE buckets ADD COLUMN configuration TEXT')
      if (found < 6) db.exec(versions)
      if (found > 0 && found < 7) db.exec('ALTER TABLE uploads ADD COLUMN initiation TEXT')
      if (found < 4) {
        db.exec(usageTables)
        countUsage(db)
        recountUsage(db)
      }
      if (found < 5) db.exec(paired)
      db.pragma(`user_version = ${schemaVersion}`)
      return found < 4
    })
    .immediate()
}
