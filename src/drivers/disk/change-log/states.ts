/**
 * The content of frames: resulting states, never operations. `row: null` means deleted. Applying a frame twice changes
 * nothing. Derived facts are not written: garbage marks, parts of deleted uploads, and part lists without an object.
 */
import type { Generation } from '../../driver.ts'
import type { BucketRow } from '../bucket-rows.ts'
import { objectColumns, ObjectRows, type ObjectRow } from '../object-rows.ts'
import type { Index } from '../open-index.ts'
import { UploadRows, type PartRow, type UploadRow } from '../upload-rows.ts'
import { nullVersion } from '../versions/version-id.ts'
import { asObject, isMarker, versionColumns, VersionRows, type VersionRow } from '../versions/version-rows.ts'
import { Pairing } from './pairing.ts'
import type { Touched } from './touched.ts'

type SegmentRow = { start: number; part: number; size: number; blob: string; checksum: string | null }

/** Logs of versions before schema 5 have no configuration. */
type LoggedBucket = Omit<BucketRow, 'name' | 'configuration'> & Partial<Pick<BucketRow, 'configuration'>>

/** Logs of versions before schema 6 have no versions. */
type InVersions = 'version' | 'nth' | 'lock'
type LoggedObject = Omit<ObjectRow, 'bucket' | 'key' | InVersions> & Partial<Pick<ObjectRow, InVersions>>
type LoggedVersion = Omit<VersionRow, 'bucket' | 'key' | 'version'>
/** Logs of versions before schema 7 have no initiation. */
type LoggedUpload = Omit<UploadRow, 'id' | 'initiation'> & Partial<Pick<UploadRow, 'initiation'>>

export type State =
  /** Bytes in a file below `objects/`; `sums` in base64. */
  | { is: 'blob'; id: string; size: number; sums: string }
  /** The parts of an object's content, in order. */
  | { is: 'list'; content: string; segments: SegmentRow[] }
  | { is: 'object'; bucket: string; key: string; row: LoggedObject | null }
  /** A noncurrent version or a delete marker. */
  | { is: 'version'; bucket: string; key: string; version: string; row: LoggedVersion | null }
  | { is: 'bucket'; name: string; row: LoggedBucket | null }
  | { is: 'upload'; id: string; row: LoggedUpload | null }
  | { is: 'part'; upload: string; number: number; row: Omit<PartRow, 'upload' | 'number'> | null }
  /** The catalog that the store was last used with. null: none. */
  | { is: 'paired'; row: Generation | null }
  /** All states of the store are in the packs from this number on. */
  | { is: 'whole'; from: number }

export const encodeStates = (states: readonly State[]): Buffer => Buffer.from(JSON.stringify(states))
export const decodeStates = (meta: Buffer): State[] => JSON.parse(meta.toString('utf8')) as State[]

/** Reads the current states from the index. */
export class StateReader {
  readonly #objects
  readonly #versions
  readonly #blob
  readonly #segments
  readonly #bucket
  readonly #upload
  readonly #part
  readonly #pairing: Pairing

  constructor(db: Index) {
    this.#objects = db.prepare<[string, string], ObjectRow>(
      `SELECT ${objectColumns} FROM objects WHERE bucket = ? AND key = ?`,
    )
    this.#versions = db.prepare<[string, string, string], VersionRow>(
      `SELECT ${versionColumns} FROM versions WHERE bucket = ? AND key = ? AND version = ?`,
    )
    this.#blob = db.prepare<[string], { id: string; size: number; sums: Buffer }>(
      'SELECT id, size, sums FROM blobs WHERE id = ?',
    )
    this.#segments = db.prepare<[string], SegmentRow>(
      'SELECT start, part, size, blob, checksum FROM segments WHERE content = ? ORDER BY start',
    )
    this.#bucket = db.prepare<[string], BucketRow>(
      'SELECT name, owner, created_at, acl, cors, configuration FROM buckets WHERE name = ?',
    )
    this.#upload = db.prepare<[string], UploadRow>('SELECT * FROM uploads WHERE id = ?')
    this.#pairing = new Pairing(db)
    this.#part = db.prepare<[string, number], PartRow>('SELECT * FROM parts WHERE upload = ? AND number = ?')
  }

  /**
   * Existing rows come before deleted ones, so content that moves between rows always has a row. `withContent` repeats
   * the blobs of objects and versions, for a log that is rewritten.
   */
  of(touched: Touched, { withContent }: { withContent: boolean }): State[] {
    const rows = [
      ...touched.versions.map(({ bucket, key, version }) => this.version(bucket, key, version)),
      ...touched.objects.map(({ bucket, key }) => this.object(bucket, key)),
    ]
    const present = rows.filter((state) => 'row' in state && state.row !== null)
    return [
      ...touched.blobs.flatMap((id) => this.blob(id)),
      ...touched.contents.flatMap((content) => this.list(content)),
      ...touched.buckets.map((name) => this.bucket(name)),
      ...touched.uploads.map((id) => this.upload(id)),
      ...touched.parts.flatMap(({ upload, number }) => this.part(upload, number)),
      ...(withContent ? present.flatMap((state) => this.contentOf(state)) : []),
      ...present,
      ...rows.filter((state) => !present.includes(state)),
      ...(touched.isPaired ? [this.paired()] : []),
    ]
  }

  paired(): State {
    return { is: 'paired', row: this.#pairing.read() }
  }

  object(bucket: string, key: string): State {
    const found = this.#objects.get(bucket, key)
    if (!found) return { is: 'object', bucket, key, row: null }
    const { bucket: _bucket, key: _key, ...row } = found
    return { is: 'object', bucket, key, row }
  }

  version(bucket: string, key: string, version: string): State {
    const found = this.#versions.get(bucket, key, version)
    if (!found) return { is: 'version', bucket, key, version, row: null }
    const { bucket: _bucket, key: _key, version: _version, ...row } = found
    return { is: 'version', bucket, key, version, row }
  }

  /** Blobs and part list of an object or version. */
  contentOf(state: State): State[] {
    if ((state.is !== 'object' && state.is !== 'version') || state.row === null || state.row.content === null) return []
    const { content, parts } = state.row
    if (parts === 0) return this.blob(content)
    const lists = this.list(content)
    const blobs = lists.flatMap((list) => (list.is === 'list' ? list.segments : [])).map(({ blob }) => blob)
    return [...blobs.flatMap((blob) => this.blob(blob)), ...lists]
  }

  blob(id: string): State[] {
    const row = this.#blob.get(id)
    return row ? [{ is: 'blob', id, size: row.size, sums: row.sums.toString('base64') }] : []
  }

  /** Empty if the list was deleted. This follows from its object. */
  list(content: string): State[] {
    const segments = this.#segments.all(content)
    return segments.length === 0 ? [] : [{ is: 'list', content, segments }]
  }

  bucket(name: string): State {
    const found = this.#bucket.get(name)
    if (!found) return { is: 'bucket', name, row: null }
    const { name: _, ...row } = found
    return { is: 'bucket', name, row }
  }

  upload(id: string): State {
    const found = this.#upload.get(id)
    if (!found) return { is: 'upload', id, row: null }
    const { id: _, ...row } = found
    return { is: 'upload', id, row }
  }

  /** Empty if the upload was deleted or completed. Then all its parts are gone. */
  part(upload: string, number: number): State[] {
    const open = this.#upload.get(upload)
    if (!open || open.completed_at !== null) return []
    const found = this.#part.get(upload, number)
    if (!found) return [{ is: 'part', upload, number, row: null }]
    const { upload: _upload, number: _number, ...row } = found
    return [{ is: 'part', upload, number, row }]
  }
}

/** Applies a frame to the index. Must be called inside a transaction. */
export class StateWriter {
  readonly #objects: ObjectRows
  readonly #versions: VersionRows
  readonly #uploads: UploadRows
  readonly #addBlob
  readonly #dropList
  readonly #addSegment
  readonly #putBucket
  readonly #dropBucket
  readonly #putUpload
  readonly #dropPart
  readonly #unpair
  readonly #pairing: Pairing

  constructor(db: Index) {
    this.#objects = new ObjectRows(db)
    this.#versions = new VersionRows(db, this.#objects)
    this.#uploads = new UploadRows(db)
    this.#addBlob = db.prepare<[string, number, Buffer]>(
      `INSERT INTO blobs (id, size, sums) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET size = excluded.size, sums = excluded.sums, garbage_since = NULL`,
    )
    this.#dropList = db.prepare<[string]>('DELETE FROM segments WHERE content = ?')
    this.#addSegment = db.prepare<[SegmentRow & { content: string }]>(
      `INSERT INTO segments (content, start, part, size, blob, checksum)
        VALUES (@content, @start, @part, @size, @blob, @checksum)`,
    )
    this.#putBucket = db.prepare<[BucketRow]>(
      `INSERT INTO buckets (name, owner, created_at, acl, cors, configuration)
        VALUES (@name, @owner, @created_at, @acl, @cors, @configuration)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, created_at = excluded.created_at, acl = excluded.acl,
          cors = excluded.cors, configuration = excluded.configuration`,
    )
    this.#dropBucket = db.prepare<[string]>('DELETE FROM buckets WHERE name = ?')
    this.#putUpload = db.prepare<[UploadRow]>(
      `INSERT INTO uploads (id, bucket, key, initiated_at, acl, headers, tags, algorithm, checksum_type,
          completed_at, request, result, initiation)
        VALUES (@id, @bucket, @key, @initiated_at, @acl, @headers, @tags, @algorithm, @checksum_type, @completed_at,
          @request, @result, @initiation)
        ON CONFLICT (id) DO UPDATE SET bucket = excluded.bucket, key = excluded.key,
          initiated_at = excluded.initiated_at, acl = excluded.acl, headers = excluded.headers, tags = excluded.tags,
          algorithm = excluded.algorithm, checksum_type = excluded.checksum_type,
          completed_at = excluded.completed_at, request = excluded.request, result = excluded.result,
          initiation = excluded.initiation`,
    )
    this.#unpair = db.prepare('DELETE FROM paired')
    this.#pairing = new Pairing(db)
    this.#dropPart = db.prepare<[string, number]>('DELETE FROM parts WHERE upload = ? AND number = ?')
  }

  /** `at`: the time in milliseconds from which unreferenced content counts as garbage. */
  apply(states: readonly State[], at: number): void {
    for (const state of states) this.#apply(state, at)
  }

  #apply(state: State, at: number): void {
    switch (state.is) {
      case 'blob':
        this.#addBlob.run(state.id, state.size, Buffer.from(state.sums, 'base64'))
        break
      case 'list':
        this.#dropList.run(state.content)
        for (const segment of state.segments) this.#addSegment.run({ ...segment, content: state.content })
        break
      case 'object':
        this.#applyObject(state, at)
        break
      case 'version':
        this.#applyVersion(state, at)
        break
      case 'bucket':
        if (state.row) this.#putBucket.run({ configuration: null, ...state.row, name: state.name })
        else this.#dropBucket.run(state.name)
        break
      case 'upload':
        if (state.row) this.#putUpload.run({ initiation: null, ...state.row, id: state.id })
        else this.#uploads.remove(state.id, at)
        if (state.row?.completed_at != null) this.#uploads.dropParts(state.id, at)
        break
      case 'part':
        this.#applyPart(state, at)
        break
      case 'paired':
        this.#unpair.run()
        if (state.row) this.#pairing.enter(state.row)
        break
      case 'whole':
        break
      default:
        // A newer version wrote this state. The rest of the log is not reliable without it.
        throw new Error(
          `the log contains a state that this version does not support: ${String((state as { is: unknown }).is)}`,
        )
    }
  }

  #applyObject({ bucket, key, row }: State & { is: 'object' }, at: number): void {
    const existing = this.#objects.find({ bucket, key })
    if (!row) {
      if (existing) this.#objects.remove(existing, at)
      return
    }
    this.#objects.put({ version: nullVersion, nth: 0, lock: null, ...row, bucket, key }, undefined)
    if (existing && existing.content !== row.content) this.#objects.release(existing, at)
  }

  #applyVersion({ bucket, key, version, row }: State & { is: 'version' }, at: number): void {
    const existing = this.#versions.find({ bucket, key }, version)
    if (!row) {
      if (existing) this.#versions.remove(existing, at)
      return
    }
    this.#versions.put({ ...row, bucket, key, version })
    if (existing && !isMarker(existing) && existing.content !== row.content) {
      this.#objects.release(asObject(existing), at)
    }
  }

  #applyPart({ upload, number, row }: State & { is: 'part' }, at: number): void {
    const existing = this.#uploads.part(upload, number)
    if (existing && existing.blob !== row?.blob) this.#objects.dropBlob(existing.blob, at)
    if (row) this.#uploads.putPart({ ...row, upload, number })
    else this.#dropPart.run(upload, number)
  }
}
