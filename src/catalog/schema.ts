/**
 * The catalog's tables for Kysely. Times are integer milliseconds, flags are 0 or 1, `checksum…` and `metadata` are
 * JSON.
 */
import type { FileStatus, UploadMethod, Visibility } from './records.ts'
import type { DeliveryState, EventType } from './webhook-catalog.ts'

export type FileRow = {
  id: string
  owner: string
  store: string
  key: string
  object_bucket: string
  object_key: string
  object_version_id: string | null
  object_etag: string | null
  filename: string
  /** The normalised filename, for the comparison with `q`. See search.ts. */
  search: string
  mime_type: string
  size: number | null
  checksum: string | null
  visibility: Visibility
  metadata: string
  status: FileStatus
  created_at: number
  confirmed_at: number | null
  charset: 'utf-8' | null
  warning: string | null
}

export type UploadRow = {
  file_id: string
  grant_owner: string
  method: UploadMethod
  target_bucket: string
  target_key: string
  declared_size: number | null
  declared_checksum: string | null
  write_once: number
  auto_confirm: number
  reserved_bytes: number
  url_expires_at: number
  confirm_by: number
  upload_id: string | null
  part_size: number | null
  part_count: number | null
  written_bytes: number
  written_mark: string | null
  written_verified: number
  /** 1 as soon as the file is no longer pending. Stored here so that one index finds due uploads. */
  settled: number
}

export type UsageRow = {
  owner: string
  bytes: number
  files: number
  reserved_bytes: number
  reserved_files: number
}

export type LeaseRow = { name: string; holder: string; expires_at: number; note: string | null }

export type LinkRow = {
  id: string
  file_id: string
  token_hash: string
  expires_at: number | null
  max_uses: number | null
  uses: number
  created_at: number
}

/** `reader` is a digest. See LinkCatalog.followLink. */
export type LinkReaderRow = { link_id: string; reader: string; expires_at: number }

export type MovedObjectRow = {
  id: string
  file_id: string
  kind: 'copy' | 'left'
  store: string
  object_bucket: string
  object_key: string
  object_version_id: string | null
  /** null: not before the file is deleted. */
  removable_at: number | null
  /** 1 once its removal has started. It cannot become a file's object then. */
  removing: number
}

export type WebhookEventRow = { id: string; type: EventType; created_at: number; data: string }

export type WebhookDeliveryRow = {
  event_id: string
  url: string
  state: DeliveryState
  tries: number
  next_at: number | null
  attempts: string
}

/** Numbers are 0 and marks null before the first generation. */
export type StoreRow = {
  name: string
  store_id: string
  generation: number
  mark: string | null
  announced: number
  announced_mark: string | null
}

export type Schema = {
  files: FileRow
  uploads: UploadRow
  usage: UsageRow
  leases: LeaseRow
  links: LinkRow
  link_readers: LinkReaderRow
  moved_objects: MovedObjectRow
  webhook_events: WebhookEventRow
  webhook_deliveries: WebhookDeliveryRow
  webhooks_off: { url: string; since: number }
  stores: StoreRow
}

export const fileColumns = [
  'id',
  'owner',
  'store',
  'key',
  'object_bucket',
  'object_key',
  'object_version_id',
  'object_etag',
  'filename',
  'mime_type',
  'size',
  'checksum',
  'visibility',
  'metadata',
  'status',
  'created_at',
  'confirmed_at',
  'charset',
  'warning',
] as const satisfies (keyof FileRow)[]

export const grantColumns = [
  'file_id',
  'method',
  'target_bucket',
  'target_key',
  'declared_size',
  'declared_checksum',
  'write_once',
  'auto_confirm',
  'reserved_bytes',
  'url_expires_at',
  'confirm_by',
  'upload_id',
  'part_size',
  'part_count',
  'written_bytes',
  'written_mark',
  'written_verified',
] as const satisfies (keyof UploadRow)[]

export type FileFields = Pick<FileRow, (typeof fileColumns)[number]>
export type GrantFields = Pick<UploadRow, (typeof grantColumns)[number]>
