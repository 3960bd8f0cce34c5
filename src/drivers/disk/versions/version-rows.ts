/**
 * The versions of keys other than the current objects: noncurrent versions and delete markers. Every method is
 * synchronous. Those that write must be called inside a CommitQueue job.
 */
import type { ObjectRef, Versioning } from '../../driver.ts'
import type { NewObjectRow, ObjectRow, ObjectRows } from '../object-rows.ts'
import type { Index } from '../open-index.ts'
import { assertRemovable } from './object-locks.ts'
import { newVersionId, nullVersion } from './version-id.ts'

/**
 * `content` is null for a delete marker. `replaced_at` is the time in milliseconds when the version became noncurrent.
 */
export type VersionRow = Omit<ObjectRow, 'content' | 'sealed' | 'note'> & {
  content: string | null
  replaced_at: number
}

type Changes = Partial<Pick<ObjectRow, 'acl' | 'tags'>>

export const versionColumns =
  'bucket, key, version, nth, size, etag, modified_at, replaced_at, acl, headers, tags, checksum, content, parts, lock'

export const isMarker = (row: VersionRow): row is VersionRow & { content: null } => row.content === null

/** Converts a version to an object row. Not for delete markers. */
export function asObject({ replaced_at: _replacedAt, content, ...row }: VersionRow): ObjectRow {
  return { ...row, content: content!, sealed: 0, note: null }
}

export class VersionRows {
  readonly #objects: ObjectRows
  readonly #find
  readonly #newest
  readonly #put
  readonly #drop
  readonly #change
  readonly #changeCurrent
  readonly #setLock
  readonly #setCurrentLock

  constructor(db: Index, objects: ObjectRows) {
    this.#objects = objects
    this.#find = db.prepare<[string, string, string], VersionRow>(
      `SELECT ${versionColumns} FROM versions WHERE bucket = ? AND key = ? AND version = ?`,
    )
    this.#newest = db.prepare<[string, string], VersionRow>(
      `SELECT ${versionColumns} FROM versions WHERE bucket = ? AND key = ? ORDER BY nth DESC LIMIT 1`,
    )
    this.#put = db.prepare<[VersionRow]>(
      `INSERT INTO versions (${versionColumns}) VALUES (${versionColumns.replace(/\w+/g, '@$&')})
       ON CONFLICT (bucket, key, version) DO UPDATE SET nth = excluded.nth, size = excluded.size, etag = excluded.etag,
         modified_at = excluded.modified_at, replaced_at = excluded.replaced_at, acl = excluded.acl,
         headers = excluded.headers, tags = excluded.tags, checksum = excluded.checksum, content = excluded.content,
         parts = excluded.parts, lock = excluded.lock`,
    )
    this.#drop = db.prepare<[string, string, string]>(
      'DELETE FROM versions WHERE bucket = ? AND key = ? AND version = ?',
    )
    const set = 'SET acl = coalesce(@acl, acl), tags = coalesce(@tags, tags)'
    type Values = { [Name in keyof Required<Changes>]: Changes[Name] | null } & ObjectRef & { version: string }
    this.#change = db.prepare<[Values]>(
      `UPDATE versions ${set} WHERE bucket = @bucket AND key = @key AND version = @version`,
    )
    const setLock = 'SET lock = ? WHERE bucket = ? AND key = ? AND version = ?'
    this.#setLock = db.prepare<[string | null, string, string, string]>(`UPDATE versions ${setLock}`)
    this.#setCurrentLock = db.prepare<[string | null, string, string, string]>(`UPDATE objects ${setLock}`)
    this.#changeCurrent = db.prepare<[Values]>(
      `UPDATE objects ${set} WHERE bucket = @bucket AND key = @key AND version = @version`,
    )
  }

  /** A noncurrent version, or a delete marker. */
  find({ bucket, key }: ObjectRef, version: string): VersionRow | undefined {
    return this.#find.get(bucket, key, version)
  }

  /** The newest of these rows. If the key has no object, this is its current delete marker. */
  newest({ bucket, key }: ObjectRef): VersionRow | undefined {
    return this.#newest.get(bucket, key)
  }

  put(row: VersionRow): void {
    this.#put.run(row)
  }

  remove(row: VersionRow, at: number): void {
    this.drop(row)
    if (!isMarker(row)) this.#objects.release(asObject(row), at)
  }

  /** Deletes only the row, and keeps its content. */
  drop({ bucket, key, version }: Pick<VersionRow, 'bucket' | 'key' | 'version'>): void {
    this.#drop.run(bucket, key, version)
  }

  /** Changes the current object or a noncurrent version. */
  change({ bucket, key, version }: ObjectRow, changes: Changes): void {
    const values = { bucket, key, version, acl: null, tags: null, ...changes }
    this.#changeCurrent.run(values)
    this.#change.run(values)
  }

  /** Sets the lock of the current object or of a noncurrent version. */
  setLock({ bucket, key, version }: ObjectRow, lock: string | null): void {
    this.#setCurrentLock.run(lock, bucket, key, version)
    this.#setLock.run(lock, bucket, key, version)
  }

  /** Makes `row` the current object of its key. With versioning, the previous object becomes a version. */
  place(row: NewObjectRow, state: Versioning | null, at: number): ObjectRow {
    const existing = this.#objects.find(row)
    if (state === null) {
      const placed = { ...row, version: nullVersion, nth: 0, modified_at: at }
      this.#objects.put(placed, existing)
      return placed
    }
    const { nth, version, kept, replaced } = this.#makeRoom(row, existing, state, at)
    const placed = { ...row, version, nth, modified_at: at }
    this.#objects.put(placed, kept ? undefined : existing)
    // Only now, because a copy of this version has the same content, which is garbage once no row refers to it.
    if (replaced) this.remove(replaced, at)
    return placed
  }

  /** Deletes without a version id, in a bucket with versioning. Returns the id of the delete marker. */
  mark(ref: ObjectRef, state: Versioning, at: number): string {
    const existing = this.#objects.find(ref)
    const { nth, version, kept, replaced } = this.#makeRoom(ref, existing, state, at)
    if (replaced) this.remove(replaced, at)
    if (existing && kept) this.#objects.drop(existing)
    else if (existing) this.#objects.remove(existing, at)
    this.put({
      bucket: ref.bucket,
      key: ref.key,
      version,
      nth,
      size: 0,
      etag: '',
      modified_at: at,
      replaced_at: at,
      acl: 'private',
      headers: '{}',
      tags: '{}',
      checksum: null,
      content: null,
      parts: 0,
      lock: null,
    })
    return version
  }

  /**
   * Deletes one version permanently. If it was current, the next newest becomes current. Returns whether it was a
   * marker. Errors: AccessDenied for a locked version.
   */
  removeVersion(
    ref: ObjectRef,
    version: string,
    at: number,
    o: { bypassGovernance?: boolean } = {},
  ): { isMarker: boolean } {
    const current = this.#objects.find(ref)
    if (current?.version === version) {
      assertRemovable(current.lock, at, o)
      this.#objects.remove(current, at)
      this.#promote(ref)
      return { isMarker: false }
    }
    const row = this.find(ref, version)
    if (!row) return { isMarker: false }
    assertRemovable(row.lock, at, o)
    this.remove(row, at)
    if (!current) this.#promote(ref)
    return { isMarker: isMarker(row) }
  }

  /**
   * `kept`: the current object became a version. Otherwise the new one replaces it. `replaced`: the noncurrent null
   * version that the new one replaces. The caller removes it.
   */
  #makeRoom(
    ref: ObjectRef,
    existing: ObjectRow | undefined,
    state: Versioning,
    at: number,
  ): { nth: number; version: string; kept: boolean; replaced: VersionRow | undefined } {
    const nth = ((existing ?? this.newest(ref))?.nth ?? 0) + 1
    const version = state === 'Enabled' ? newVersionId(nth) : nullVersion
    const kept = existing !== undefined && existing.version !== version
    if (existing && !kept) assertRemovable(existing.lock, at, {})
    if (kept) {
      const { sealed: _sealed, note: _note, ...row } = existing
      this.put({ ...row, replaced_at: at })
    }
    // A delete marker that was current becomes noncurrent now.
    const marker = existing ? undefined : this.newest(ref)
    if (marker && marker.version !== version) this.put({ ...marker, replaced_at: at })
    const older = version === nullVersion && existing?.version !== nullVersion ? this.find(ref, nullVersion) : undefined
    if (older) assertRemovable(older.lock, at, {})
    return { nth, version, kept, replaced: older }
  }

  #promote(ref: ObjectRef): void {
    const newest = this.newest(ref)
    if (!newest || isMarker(newest)) return
    this.#objects.put(asObject(newest), undefined)
    this.drop(newest)
  }
}
