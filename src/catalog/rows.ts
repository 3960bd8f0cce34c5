/** Converts rows to records and back. Uses Number(), because PostgreSQL's drivers return bigint columns as text. */
import type { FileRecord, Upload, UploadGrant } from './catalog.ts'
import type { FileFields, FileRow, GrantFields, UploadRow } from './schema.ts'
import { searchable } from './search.ts'

const numberOrNull = (value: number | null) => (value === null ? null : Number(value))
const parseOrNull = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T))
const toJson = (value: unknown) => (value === null ? null : JSON.stringify(value))

export function toFile(row: FileFields): FileRecord {
  return {
    id: row.id,
    owner: row.owner,
    store: row.store,
    key: row.key,
    object: {
      bucket: row.object_bucket,
      key: row.object_key,
      ...(row.object_version_id === null ? {} : { versionId: row.object_version_id }),
      ...(row.object_etag === null ? {} : { etag: row.object_etag }),
    },
    filename: row.filename,
    mimeType: row.mime_type,
    size: numberOrNull(row.size),
    checksum: parseOrNull(row.checksum),
    visibility: row.visibility,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    status: row.status,
    createdAt: new Date(Number(row.created_at)),
    confirmedAt: row.confirmed_at === null ? null : new Date(Number(row.confirmed_at)),
    ...(row.charset === null ? {} : { charset: row.charset }),
    ...(row.warning === null ? {} : { warning: row.warning }),
  }
}

export function toGrant(row: GrantFields): UploadGrant {
  return {
    fileId: row.file_id,
    method: row.method,
    target: { bucket: row.target_bucket, key: row.target_key },
    declaredSize: numberOrNull(row.declared_size),
    declaredChecksum: parseOrNull(row.declared_checksum),
    writeOnce: Number(row.write_once) === 1,
    autoConfirm: Number(row.auto_confirm) === 1,
    reservedBytes: Number(row.reserved_bytes),
    urlExpiresAt: new Date(Number(row.url_expires_at)),
    confirmBy: new Date(Number(row.confirm_by)),
    multipart:
      row.upload_id === null
        ? null
        : { uploadId: row.upload_id, partSize: Number(row.part_size), partCount: numberOrNull(row.part_count) },
    ...(row.written_mark === null
      ? {}
      : {
          written: {
            bytes: Number(row.written_bytes),
            mark: row.written_mark,
            isVerified: Number(row.written_verified) === 1,
          },
        }),
  }
}

type Nullable<T> = { [K in keyof T]: T[K] | null }

/** A row of files left-joined with uploads. */
export const toUpload = (row: FileFields & Nullable<GrantFields>): Upload => ({
  file: toFile(row),
  grant: row.file_id === null ? null : toGrant(row as GrantFields),
})

export const fileRow = (file: FileRecord): FileRow => ({
  id: file.id,
  owner: file.owner,
  store: file.store,
  key: file.key,
  ...objectColumns(file.object),
  filename: file.filename,
  search: searchable(file.filename),
  mime_type: file.mimeType,
  size: file.size,
  checksum: toJson(file.checksum),
  visibility: file.visibility,
  metadata: JSON.stringify(file.metadata),
  status: file.status,
  created_at: file.createdAt.getTime(),
  confirmed_at: file.confirmedAt?.getTime() ?? null,
  charset: file.charset ?? null,
  warning: file.warning ?? null,
})

export const objectColumns = (object: FileRecord['object']) => ({
  object_bucket: object.bucket,
  object_key: object.key,
  object_version_id: object.versionId ?? null,
  object_etag: object.etag ?? null,
})

export const multipartColumns = (multipart: UploadGrant['multipart']) => ({
  upload_id: multipart?.uploadId ?? null,
  part_size: multipart?.partSize ?? null,
  part_count: multipart?.partCount ?? null,
})

export const writtenColumns = (written: UploadGrant['written']) => ({
  written_bytes: written?.bytes ?? 0,
  written_mark: written?.mark ?? null,
  written_verified: written?.isVerified === true ? 1 : 0,
})

export const grantRow = (grant: UploadGrant, owner: string, settled: boolean): UploadRow => ({
  file_id: grant.fileId,
  grant_owner: owner,
  method: grant.method,
  target_bucket: grant.target.bucket,
  target_key: grant.target.key,
  declared_size: grant.declaredSize,
  declared_checksum: toJson(grant.declaredChecksum),
  write_once: grant.writeOnce ? 1 : 0,
  auto_confirm: grant.autoConfirm ? 1 : 0,
  reserved_bytes: grant.reservedBytes,
  url_expires_at: grant.urlExpiresAt.getTime(),
  confirm_by: grant.confirmBy.getTime(),
  ...multipartColumns(grant.multipart),
  ...writtenColumns(grant.written),
  settled: settled ? 1 : 0,
})
