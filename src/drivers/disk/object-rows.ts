/**
 * The rows of objects and blobs. Every method is synchronous. Those that write must be called inside a CommitQueue job.
 */
import { StorageError } from '../../errors.ts'
import type { Checksum, ObjectHead, ObjectHeaders, ObjectLock, ObjectRef } from '../driver.ts'
import { parseAcl } from './acl-text.ts'
import type { Index } from './open-index.ts'

export type ObjectRow = {
  bucket: string
  key: string
  size: number
  etag: string
  modified_at: number
  /** As of acl-text.ts. */
  acl: string
  sealed: number
  /** JSON of ObjectHeaders. */
  headers: string
  /** JSON, name to value. */
  tags: string
  /** JSON of a Checksum. */
  checksum: string | null
  /** A blob's id, or with `parts` > 0 the id of its segments. */
  content: string
  parts: number
  /** JSON of an ObjectNote. Set when the object is sealed. */
  note: string | null
  /** `null` for an object that was written while its bucket had no versioning. */
  version: string
  /** The place among the versions of the key. The newest has the greatest. */
  nth: number
  /** JSON of an ObjectLock. */
  lock: string | null
}

/** An object without its place among the versions of its key. */
export type NewObjectRow = Omit<ObjectRow, 'modified_at' | 'version' | 'nth'>

export const objectColumns =
  'bucket, key, size, etag, modified_at, acl, sealed, headers, tags, checksum, content, parts, note, version, nth, lock'

/** All objects with bytes, current and noncurrent, for statements that look for users of a blob. */
export const storedObjects = `(SELECT bucket, key, version, size, etag, checksum, content, parts, lock FROM objects
  UNION ALL SELECT bucket, key, version, size, etag, checksum, content, parts, lock FROM versions
    WHERE content IS NOT NULL)`

/** A range of an object's bytes and its blob. `sums` as in block-sums.ts. */
export type Segment = { start: number; part: number; size: number; blob: string; sums: Buffer }

/** `checksum`: JSON of the Checksum that the client sent with the part. */
export type SegmentOfPart = { part: number; size: number; checksum: string | null }

export type NewBlobRow = { id: string; size: number; sums: Buffer }

/** Maximum number of blob rows cached in memory, and the maximum bytes of sums of such a row, which cover 1 GiB. */
const maxRemembered = 256
const maxRememberedSums = 64 * 1024

export class ObjectRows {
  readonly #recent = new Map<string, Segment>()
  readonly #find
  readonly #put
  readonly #remove
  readonly #inUse
  readonly #addBlob
  readonly #forgetBlob
  readonly #dropBlob
  readonly #dropBlobs
  readonly #dropSegments
  readonly #blob
  readonly #segments
  readonly #blobsOfContent
  readonly #part
  readonly #parts
  readonly #seal
  readonly #setSealedHeaders
  readonly #unnoted

  constructor(db: Index) {
    const columns = objectColumns
    this.#find = db.prepare<[string, string], ObjectRow>(`SELECT ${columns} FROM objects WHERE bucket = ? AND key = ?`)
    this.#put = db.prepare<[ObjectRow]>(
      `INSERT INTO objects (${columns}) VALUES (${columns.replace(/\w+/g, '@$&')})
       ON CONFLICT (bucket, key) DO UPDATE SET size = excluded.size, etag = excluded.etag,
         modified_at = excluded.modified_at, acl = excluded.acl, sealed = excluded.sealed, headers = excluded.headers,
         tags = excluded.tags, checksum = excluded.checksum, content = excluded.content, parts = excluded.parts,
         note = excluded.note, version = excluded.version, nth = excluded.nth, lock = excluded.lock`,
    )
    this.#remove = db.prepare<[string, string]>('DELETE FROM objects WHERE bucket = ? AND key = ?')
    this.#inUse = db.prepare<[string, string], { used: 1 }>(
      `SELECT 1 AS used WHERE EXISTS (SELECT 1 FROM objects WHERE content = ?)
        OR EXISTS (SELECT 1 FROM versions WHERE content = ?)`,
    )
    this.#addBlob = db.prepare<[string, number, Buffer]>('INSERT INTO blobs (id, size, sums) VALUES (?, ?, ?)')
    this.#forgetBlob = db.prepare<[string]>('DELETE FROM blobs WHERE id = ?')
    this.#dropBlob = db.prepare<[number, string]>('UPDATE blobs SET garbage_since = ? WHERE id = ?')
    this.#dropBlobs = db.prepare<[number, string]>(
      'UPDATE blobs SET garbage_since = ? WHERE id IN (SELECT blob FROM segments WHERE content = ?)',
    )
    this.#dropSegments = db.prepare<[string]>('DELETE FROM segments WHERE content = ?')
    this.#blob = db.prepare<[string], Segment>(
      'SELECT 0 AS start, 1 AS part, size, id AS blob, sums FROM blobs WHERE id = ?',
    )
    const segments = `SELECT s.start, s.part, s.size, s.blob, b.sums FROM segments s JOIN blobs b ON b.id = s.blob`
    this.#segments = db.prepare<[{ content: string; from: number; to: number }], Segment>(
      `${segments} WHERE s.content = @content AND s.start <= @to
        AND s.start >= (SELECT max(start) FROM segments WHERE content = @content AND start <= @from)
       ORDER BY s.start`,
    )
    this.#blobsOfContent = db.prepare<[string], string>('SELECT blob FROM segments WHERE content = ?').pluck()
    this.#part = db.prepare<[string, number], { start: number; size: number }>(
      'SELECT start, size FROM segments WHERE content = ? AND part = ?',
    )
    this.#parts = db.prepare<[string, number, number], SegmentOfPart>(
      'SELECT part, size, checksum FROM segments WHERE content = ? AND part > ? ORDER BY part LIMIT ?',
    )
    this.#seal = db.prepare<[string | null, string, string]>(
      'UPDATE objects SET sealed = 1, note = coalesce(?, note) WHERE bucket = ? AND key = ?',
    )
    this.#setSealedHeaders = db.prepare<[string, string, string]>(
      `UPDATE objects SET headers = ?, tags = '{}', acl = 'private' WHERE bucket = ? AND key = ?`,
    )
    this.#unnoted = db.prepare('SELECT 1 FROM objects WHERE sealed = 1 AND note IS NULL LIMIT 1')
  }

  find({ bucket, key }: ObjectRef): ObjectRow | undefined {
    return this.#find.get(bucket, key)
  }

  /** Sets new content for the key. The replaced content becomes garbage unless another object shares it. */
  put(row: ObjectRow, replaced: ObjectRow | undefined): void {
    this.#put.run(row)
    if (replaced && replaced.content !== row.content) this.release(replaced, row.modified_at)
  }

  remove(row: ObjectRow, at: number): void {
    this.drop(row)
    this.release(row, at)
  }

  /** Deletes only the row. A version has its content from now on. */
  drop({ bucket, key }: ObjectRef): void {
    this.#remove.run(bucket, key)
  }

  release({ content, parts }: Pick<ObjectRow, 'content' | 'parts'>, at: number): void {
    if (this.#inUse.get(content, content)) return
    if (parts === 0) {
      this.dropBlob(content, at)
      return
    }
    this.#dropBlobs.run(at, content)
    this.#dropSegments.run(content)
  }

  /** All blobs of an object. */
  blobsOf(row: ObjectRow | undefined): string[] {
    if (!row) return []
    return row.parts === 0 ? [row.content] : this.#blobsOfContent.all(row.content)
  }

  addBlob({ id, size, sums }: NewBlobRow): void {
    this.#addBlob.run(id, size, sums)
  }

  /** Deletes a row that nothing has ever referred to. */
  forgetBlob(id: string): void {
    this.#forgetBlob.run(id)
  }

  dropBlob(id: string, at: number): void {
    this.#dropBlob.run(at, id)
  }

  /** The segments of the bytes `from` to `to`, inclusive. */
  segments(row: ObjectRow, from: number, to: number): Segment[] {
    if (row.parts > 0) return this.#segments.all({ content: row.content, from, to })
    const blob = this.#recent.get(row.content) ?? this.#blob.get(row.content)
    if (!blob) return []
    this.#remember(blob)
    return [blob]
  }

  /** The cache is always valid, because a blob never changes. */
  #remember(segment: Segment): void {
    if (segment.sums.length > maxRememberedSums || this.#recent.has(segment.blob)) return
    if (this.#recent.size === maxRemembered) this.#recent.delete(this.#recent.keys().next().value!)
    this.#recent.set(segment.blob, segment)
  }

  /** The position of a part. An object that was not uploaded in parts is its own part 1. */
  part(row: ObjectRow, number: number): { start: number; size: number } | undefined {
    if (row.parts > 0) return this.#part.get(row.content, number)
    return number === 1 ? { start: 0, size: row.size } : undefined
  }

  /** The parts after a part number, of an object that was uploaded in parts. */
  parts(row: ObjectRow, after: number, max: number): SegmentOfPart[] {
    return row.parts > 0 ? this.#parts.all(row.content, after, max) : []
  }

  /** `headers` is JSON of ObjectHeaders and replaces all headers of the writer. null keeps them. */
  seal({ bucket, key }: ObjectRef, { note, headers }: { note: string | null; headers: string | null }): void {
    this.#seal.run(note, bucket, key)
    if (headers !== null) this.#setSealedHeaders.run(headers, bucket, key)
  }

  hasUnnoted(): boolean {
    return this.#unnoted.get() !== undefined
  }
}

export const notFound = (resource: string): StorageError =>
  new StorageError('NotFound', { message: 'The specified key does not exist.', resource })

export function headOf(row: ObjectRow): ObjectHead {
  const tagCount = row.tags === '{}' ? 0 : Object.keys(parseTags(row.tags)).length
  return {
    ...(JSON.parse(row.headers) as ObjectHeaders),
    contentLength: row.size,
    etag: row.etag,
    lastModified: new Date(row.modified_at),
    revision: row.content,
    acl: parseAcl(row.acl),
    ...(row.lock !== null && { lock: JSON.parse(row.lock) as ObjectLock }),
    ...(row.checksum !== null && { checksum: parseChecksum(row.checksum) }),
    ...(tagCount > 0 && { tagCount }),
    ...(row.parts > 0 && { partCount: row.parts }),
  }
}

export const parseChecksum = (json: string): Checksum => JSON.parse(json) as Checksum
export const parseTags = (json: string): Record<string, string> => JSON.parse(json) as Record<string, string>
