/**
 * The catalog port: who owns which file, what was granted, what is reserved. One method is one transaction; no method
 * calls the store. Times are passed in, so that one clock rules; sizes are bytes.
 * `test/conformance/catalog-suite.ts` holds every obligation written here.
 */
import type { Checksum, ObjectRef } from '../drivers/driver.ts'
import type { CatalogDump } from './tables.ts'
import type { LinkCatalog } from './link-catalog.ts'
import type { MoveCatalog } from './move-catalog.ts'
import type { StoreCatalog } from './store-catalog.ts'
import type { WebhookCatalog } from './webhook-catalog.ts'

export type { Link, NewLink } from './link-catalog.ts'
export type { MovedObject, StoreCount } from './move-catalog.ts'
export type { Attempt, Delivery, DeliveryState, EventType, Subscriber } from './webhook-catalog.ts'

export type FileStatus = 'pending' | 'confirmed' | 'deleted' | 'expired'
export type Visibility = 'private' | 'public'
export type UploadMethod = 'PUT' | 'POST' | 'MULTIPART'

export type FileRecord = {
  id: string
  /** `sub` of the token that was granted the upload. */
  owner: string
  /** The driver that holds the bytes. */
  store: string
  /** The key that was issued, unique: the name the client knows. */
  key: string
  /** Where the bytes are to be read: the issued key until a seal moved them. */
  object: ObjectRef & { versionId?: string; etag?: string }
  filename: string
  /** While pending: as declared. Once confirmed: as stored. */
  mimeType: string
  /** null until confirmed, as is the checksum: what a client declares stands in the grant. */
  size: number | null
  checksum: Checksum | null
  visibility: Visibility
  metadata: Record<string, string>
  status: FileStatus
  createdAt: Date
  confirmedAt: Date | null
  /** The encoding that the first bytes of a text proved; absent where they proved none. */
  charset?: 'utf-8'
  /** Why it would have been refused without `--dev`. */
  warning?: string
}

/** An outstanding permission to write; kept after the upload is settled until its URLs can do no harm. */
export type UploadGrant = {
  fileId: string
  method: UploadMethod
  /** The object the URL writes to. */
  target: ObjectRef
  declaredSize: number | null
  declaredChecksum: Checksum | null
  /** The URL can only create (If-None-Match was signed). */
  writeOnce: boolean
  autoConfirm: boolean
  reservedBytes: number
  /** The last moment at which any URL issued for this upload is accepted. */
  urlExpiresAt: Date
  /** If it is not confirmed by then it expires. Always later than urlExpiresAt. */
  confirmBy: Date
  multipart: { uploadId: string; partSize: number; partCount: number | null } | null
  /** The object that a public upload has written, as last looked at. Absent until it has been. */
  written?: WrittenObject
}

/** `mark` tells one write from another. `isVerified`: the object is what was granted, and may be served. */
export type WrittenObject = { bytes: number; mark: string; isVerified: boolean }

export type Upload = { file: FileRecord; grant: UploadGrant | null }

export type QuotaLimits = { userBytes: number | null; userFiles: number | null }

export type NewUpload = {
  file: Pick<FileRecord, 'id' | 'owner' | 'store' | 'key' | 'filename' | 'mimeType' | 'visibility' | 'metadata'>
  grant: Omit<UploadGrant, 'fileId' | 'reservedBytes' | 'written'>
  /**
   * Bytes to reserve: the declared size, else the most an upload may have. Where `exact` is false the reservation
   * shrinks to what the quota has left, but not to zero.
   */
  reserve: { bytes: number; exact: boolean }
  quota: QuotaLimits
  /** Pending uploads one owner may have; more are refused as TooManyRequests. */
  maxPending: number
  now: Date
}

/** What the store says about the verified object. */
export type ConfirmedFacts = {
  object: FileRecord['object']
  mimeType: string
  size: number
  checksum: Checksum | null
  charset?: 'utf-8'
  warning?: string
  filename?: string
  quota: QuotaLimits
  now: Date
}

export type FilePage = { files: FileRecord[]; nextCursor: string | null }
export type UploadPage = { uploads: Upload[]; nextCursor: string | null }
/** `reserved…` counts pending uploads. */
export type Usage = { bytes: number; files: number; reservedBytes: number; reservedFiles: number }

/** `recorded` is what quota decisions are made by, `counted` what the files and pending uploads add up to. */
export type UsageDifference = { owner: string; recorded: Usage; counted: Usage }

/** A name that one process holds until a time. */
export type Lease = { name: string; holder: string; expiresAt: Date; note: string | null }

export interface Catalog extends LinkCatalog, MoveCatalog, StoreCatalog, WebhookCatalog {
  /** Brings the schema up to date; refuses a schema newer than this program (`Unavailable`, with what to do). */
  migrate(): Promise<{ applied: string[] }>
  migrationStatus(): Promise<{ name: string; appliedAt: Date | null }[]>

  /** Records the pending file and reserves quota, or throws QuotaExceeded / TooManyRequests and records nothing. */
  createUpload(o: NewUpload): Promise<Upload>
  /** Any status; null when there is none or it is someone else's. The caller cannot tell which. */
  findUpload(owner: string, by: { id: string } | { key: string }): Promise<Upload | null>
  /** For our own processes, without an owner: the objects endpoint's commit hook, the public route. */
  findUploadByKey(key: string): Promise<Upload | null>
  /**
   * Moves the expiry of a pending upload; null unless it is pending. URLs issued before stay valid, therefore neither
   * time moves backwards, and `writeOnce` stays false once it was.
   */
  renewUpload(id: string, o: { urlExpiresAt: Date; confirmBy: Date; writeOnce: boolean }): Promise<Upload | null>
  /** Nothing happens unless the upload is pending. */
  noteWritten(id: string, written: WrittenObject): Promise<void>
  /** Errors: NotFound unless the upload is pending. */
  setMultipart(id: string, multipart: NonNullable<UploadGrant['multipart']>): Promise<void>
  /**
   * pending → confirmed, quota settled to the real size. `created` is false when it was confirmed before: the stored
   * record is returned, whatever the facts. Bytes that were reserved are granted whatever the quota is now, those
   * beyond must fit. Errors: QuotaExceeded (nothing changed), NotFound when neither pending nor confirmed.
   */
  confirmUpload(id: string, facts: ConfirmedFacts): Promise<{ file: FileRecord; created: boolean }>
  /**
   * pending → expired, the reservation given back; false unless it was pending. With `onlyIfOverdue` also false when
   * its confirmBy is later than `now`: it may have been renewed since it was listed.
   */
  expireUpload(id: string, now: Date, o?: { onlyIfOverdue?: boolean }): Promise<boolean>

  /** Confirmed or pending; null for any other status, and for someone else's. */
  getFile(owner: string, id: string): Promise<FileRecord | null>
  /**
   * Confirmed and pending files, newest first; `q` is a literal, case-insensitive part of the filename. A file that is
   * added between two pages shifts nothing. Errors: InvalidArgument for a cursor that no page returned.
   */
  listFiles(owner: string, o: { limit: number; cursor?: string; q?: string }): Promise<FilePage>
  /** The owner's pending uploads with their grants, newest first. Errors: InvalidArgument for a cursor of no page. */
  pendingUploads(owner: string, o: { limit: number; cursor?: string }): Promise<UploadPage>
  updateFile(
    owner: string,
    id: string,
    patch: { filename?: string; metadata?: Record<string, string> },
  ): Promise<FileRecord | null>
  /**
   * confirmed or pending → deleted, quota or reservation given back; null when there is none. The object comes later:
   * the answer always has a grant, an expired one if the grant was dropped before, so that `removableGrants` names the
   * file until `dropGrant` forgets it. Its links are gone at once.
   */
  deleteFile(owner: string, id: string, now: Date): Promise<Upload | null>
  /** Noted bytes of pending uploads are stored bytes here: see `noteWritten`. */
  usage(owner: string): Promise<Usage>
  /** Of all owners together. */
  totals(): Promise<Usage>

  // Pages of what is due: `after` is the last upload of the page before.
  /** Pending uploads whose confirmBy has passed, oldest first. */
  overdueUploads(now: Date, limit: number, after?: Upload): Promise<Upload[]>
  /** Pending uploads that count as confirmed once their object is there; one owner's, or all. By confirmBy. */
  autoConfirmable(o: { owner?: string; limit: number; after?: Upload }): Promise<Upload[]>
  /**
   * Grants of settled uploads whose URLs have expired: whatever lies at `grant.target` and is not the file's own
   * object can go, and for deleted or expired files the file's object too.
   */
  removableGrants(now: Date, limit: number, after?: Upload): Promise<Upload[]>
  /** Forgets a settled grant, never a pending one; a deleted or expired file goes with it. */
  dropGrant(fileId: string): Promise<void>

  // For `postern verify`.
  /** Of every owner and in every status, by id; `after` is the last id of the page before. */
  allUploads(o: { limit: number; after?: string }): Promise<Upload[]>
  /** Owners whose usage is not what their rows add up to, as of one moment. */
  usageDifferences(): Promise<UsageDifference[]>
  /** Sets the owner's usage to what the rows add up to. */
  recountUsage(owner: string): Promise<Usage>

  /**
   * Takes or prolongs a lease: false while another holder has it. It bears a word for others to read, and ends by
   * itself; clocks of machines differ, so what must not happen twice may not rest on it.
   */
  takeLease(name: string, o: { holder: string; now: Date; until: Date; note?: string }): Promise<boolean>
  /** Nothing happens where somebody else has it. */
  dropLease(name: string, holder: string): Promise<void>
  /** Those that have not ended, by name. */
  listLeases(prefix: string, now: Date): Promise<Lease[]>
  /** Forgets leases that ended before. */
  forgetLeases(before: Date): Promise<void>

  /** Every row, in memory: for the small catalogs of tests. */
  dump(): Promise<CatalogDump>
  /** Replaces every row by those of a dump. */
  load(dump: CatalogDump): Promise<void>

  /** Resolves when the database answers. */
  checkReady(): Promise<void>
  close(): Promise<void>
}
