/** The rows of multipart uploads. Methods that write must be called inside a CommitQueue job. */
import { StorageError } from '../../errors.ts'
import type { ChecksumAlgorithm, ChecksumType, Initiation, ObjectHeaders, ObjectLock, ObjectRef } from '../driver.ts'
import type { Index } from './open-index.ts'
import { resourceOf } from '../rules.ts'

export type UploadRow = {
  id: string
  bucket: string
  key: string
  initiated_at: number
  /** As of acl-text.ts. */
  acl: string
  /** JSON of UploadHeaders. */
  headers: string
  tags: string
  algorithm: ChecksumAlgorithm | null
  checksum_type: ChecksumType | null
  /** Set on completion: the time, the listed parts, and the result as JSON. */
  completed_at: number | null
  request: string | null
  result: string | null
  /** JSON of an Initiation. null: not known. */
  initiation: string | null
}

/** The headers of the future object, with the lock that its writer requested. */
export type UploadHeaders = ObjectHeaders & { lock?: ObjectLock }

export type PartRow = {
  upload: string
  number: number
  blob: string
  size: number
  etag: string
  checksum: string | null
  modified_at: number
}

/** Unfinished uploads after (key, id) and below a key. */
export const uploadPageSql = `SELECT * FROM uploads
  WHERE completed_at IS NULL AND bucket = ? AND (key, id) > (?, ?) AND key < ? ORDER BY key, id LIMIT ?`

export class UploadRows {
  readonly #find
  readonly #add
  readonly #remove
  readonly #complete
  readonly #forget
  readonly #part
  readonly #putPart
  readonly #parts
  readonly #garbageParts
  readonly #removeParts
  readonly #addSegment
  readonly #page
  readonly #ofBucket

  constructor(db: Index) {
    this.#find = db.prepare<[string, string, string], UploadRow>(
      'SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?',
    )
    this.#add = db.prepare<[Omit<UploadRow, 'completed_at' | 'request' | 'result'>]>(
      `INSERT INTO uploads (id, bucket, key, initiated_at, acl, headers, tags, algorithm, checksum_type, initiation)
       VALUES (@id, @bucket, @key, @initiated_at, @acl, @headers, @tags, @algorithm, @checksum_type, @initiation)`,
    )
    this.#remove = db.prepare<[string]>('DELETE FROM uploads WHERE id = ?')
    this.#complete = db.prepare<[number, string, string, string]>(
      'UPDATE uploads SET completed_at = ?, request = ?, result = ? WHERE id = ?',
    )
    this.#forget = db.prepare<[number]>('DELETE FROM uploads WHERE completed_at < ?')
    this.#part = db.prepare<[string, number], PartRow>('SELECT * FROM parts WHERE upload = ? AND number = ?')
    this.#putPart = db.prepare<[PartRow]>(
      `INSERT INTO parts (upload, number, blob, size, etag, checksum, modified_at)
       VALUES (@upload, @number, @blob, @size, @etag, @checksum, @modified_at)
       ON CONFLICT (upload, number) DO UPDATE SET blob = excluded.blob, size = excluded.size, etag = excluded.etag,
         checksum = excluded.checksum, modified_at = excluded.modified_at`,
    )
    this.#parts = db.prepare<[string, number, number], PartRow>(
      'SELECT * FROM parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?',
    )
    this.#garbageParts = db.prepare<[number, string, string]>(
      `UPDATE blobs SET garbage_since = ? WHERE id IN (SELECT blob FROM parts WHERE upload = ?)
         AND id NOT IN (SELECT blob FROM segments WHERE content = ?)`,
    )
    this.#removeParts = db.prepare<[string]>('DELETE FROM parts WHERE upload = ?')
    this.#addSegment = db.prepare<[string, number, number, number, string, string | null]>(
      'INSERT INTO segments (content, start, part, size, blob, checksum) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#page = db.prepare<[string, string | Buffer, string, string | Buffer, number], UploadRow>(uploadPageSql)
    this.#ofBucket = db.prepare<[string], UploadRow>('SELECT * FROM uploads WHERE completed_at IS NULL AND bucket = ?')
  }

  /** An unfinished upload, or one that was completed recently. */
  find(ref: ObjectRef, uploadId: string): UploadRow | undefined {
    return this.#find.get(uploadId, ref.bucket, ref.key)
  }

  /** Throws NoSuchUpload unless the upload is unfinished. */
  demandOpen(ref: ObjectRef, uploadId: string): UploadRow {
    const row = this.find(ref, uploadId)
    if (row && row.completed_at === null) return row
    throw noSuchUpload(ref, uploadId)
  }

  add(row: Omit<UploadRow, 'completed_at' | 'request' | 'result'>): void {
    this.#add.run(row)
  }

  part(uploadId: string, number: number): PartRow | undefined {
    return this.#part.get(uploadId, number)
  }

  putPart(part: PartRow): void {
    this.#putPart.run(part)
  }

  parts(uploadId: string, after: number, max: number): PartRow[] {
    return this.#parts.all(uploadId, after, max)
  }

  addSegment(uploadId: string, start: number, part: PartRow): void {
    this.#addSegment.run(uploadId, start, part.number, part.size, part.blob, part.checksum)
  }

  /** For an upload that was completed or aborted. Blobs of parts that are not segments become garbage. */
  dropParts(uploadId: string, at: number): void {
    this.#garbageParts.run(at, uploadId, uploadId)
    this.#removeParts.run(uploadId)
  }

  /** Also deletes the rows of its parts. Parts that are not segments become garbage. */
  setCompleted(uploadId: string, at: number, request: string, result: string): void {
    this.#complete.run(at, request, result, uploadId)
    this.dropParts(uploadId, at)
  }

  /** Also deletes its parts. */
  remove(uploadId: string, at: number): void {
    this.#remove.run(uploadId)
    this.dropParts(uploadId, at)
  }

  /** Aborts the unfinished uploads of a bucket that is being deleted. */
  removeBucket(bucket: string, at: number): void {
    for (const { id } of this.#ofBucket.all(bucket)) this.remove(id, at)
  }

  forgetCompleted(before: number): void {
    this.#forget.run(before)
  }

  /**
   * Unfinished uploads ordered by key and then by id, which is the order of initiation. Starts after (`key`, `id`),
   * ends before `below`.
   */
  iterate(
    bucket: string,
    key: string | Buffer,
    id: string,
    below: string | Buffer,
    max: number,
  ): IterableIterator<UploadRow> {
    return this.#page.iterate(bucket, key, id, below, max)
  }
}

export const noSuchUpload = (ref: ObjectRef, uploadId: string): StorageError =>
  new StorageError('NoSuchUpload', {
    message:
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    resource: resourceOf(ref),
    details: { UploadId: uploadId },
  })

export const parseInitiation = ({ initiation }: Pick<UploadRow, 'initiation'>): Initiation | null =>
  initiation === null ? null : (JSON.parse(initiation) as Initiation)

export function initiatorOf(row: Pick<UploadRow, 'initiation'>): { initiator?: string } {
  const initiator = parseInitiation(row)?.initiator ?? null
  return initiator === null ? {} : { initiator }
}

export function storageClassOf({ headers }: Pick<UploadRow, 'headers'>): Pick<ObjectHeaders, 'storageClass'> {
  const { storageClass } = JSON.parse(headers) as ObjectHeaders
  return storageClass === undefined ? {} : { storageClass }
}
