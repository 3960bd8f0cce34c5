/**
 * The catalog port: files and their owners, grants, and reservations. Each method is one transaction, and no method
 * calls the store. Callers pass the time, so that one clock is used. Sizes are in bytes.
 * `test/conformance/catalog-suite.ts` tests every obligation written here.
 */
import type { Checksum } from '../drivers/driver.ts'
import type { CatalogDump } from './tables.ts'
import type { LinkCatalog } from './link-catalog.ts'
import type { MoveCatalog } from './move-catalog.ts'
import type { StoreCatalog } from './store-catalog.ts'
import type { WebhookCatalog } from './webhook-catalog.ts'
import type { FileRecord, Upload, UploadGrant, WrittenObject } from './records.ts'

export type { FileRecord, FileStatus, Upload, UploadGrant, UploadMethod, Visibility, WrittenObject } from './records.ts'
export type { Link, NewLink } from './link-catalog.ts'
export type { MovedObject, StoreCount } from './move-catalog.ts'
export type { Attempt, Delivery, DeliveryState, EventType, Subscriber } from './webhook-catalog.ts'

export type QuotaLimits = { userBytes: number | null; userFiles: number | null }

export type NewUpload = {
  file: Pick<FileRecord, 'id' | 'owner' | 'store' | 'key' | 'filename' | 'mimeType' | 'visibility' | 'metadata'>
  grant: Omit<UploadGrant, 'fileId' | 'reservedBytes' | 'written'>
  /**
   * Bytes to reserve: the declared size, or without one the maximum size of an upload. If `exact` is false, the
   * reservation shrinks to the remaining quota, but not to zero.
   */
  reserve: { bytes: number; exact: boolean }
  quota: QuotaLimits
  /** Maximum pending uploads per owner. Further ones are refused with TooManyRequests. */
  maxPending: number
  now: Date
}

/** The facts of the verified object. */
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

/** `recorded` is the usage for quota decisions, `counted` is the sum over files and pending uploads. */
export type UsageDifference = { owner: string; recorded: Usage; counted: Usage }

/** A name that one process holds until it expires. */
export type Lease = { name: string; holder: string; expiresAt: Date; note: string | null }

export interface Catalog extends LinkCatalog, MoveCatalog, StoreCatalog, WebhookCatalog {
  /** Migrates the schema. Errors: Unavailable, with the remedy, if the schema is newer than this program. */
  migrate(): Promise<{ applied: string[] }>
  migrationStatus(): Promise<{ name: string; appliedAt: Date | null }[]>

  /** Records the pending file and reserves quota. Errors: QuotaExceeded, TooManyRequests (nothing is recorded). */
  createUpload(o: NewUpload): Promise<Upload>
  /** An upload of any status. null if there is none or it has another owner. The caller cannot distinguish the two. */
  findUpload(owner: string, by: { id: string } | { key: string }): Promise<Upload | null>
  /** Without an owner, for the gateway itself: the objects endpoint's commit hook and the public route. */
  findUploadByKey(key: string): Promise<Upload | null>
  /**
   * Extends a pending upload. null unless it is pending. Earlier URLs stay valid, so neither time moves backwards, and
   * `writeOnce` stays false once it was false.
   */
  renewUpload(id: string, o: { urlExpiresAt: Date; confirmBy: Date; writeOnce: boolean }): Promise<Upload | null>
  /** Nothing happens unless the upload is pending. */
  noteWritten(id: string, written: WrittenObject): Promise<void>
  /** Errors: NotFound unless the upload is pending. */
  setMultipart(id: string, multipart: NonNullable<UploadGrant['multipart']>): Promise<void>
  /**
   * pending → confirmed, and the quota changes to the real size. `created` is false if it was confirmed before. Then
   * the stored record is returned and `facts` are ignored. Reserved bytes are accepted even if the quota has shrunk
   * since, and further bytes must fit the quota. Errors: QuotaExceeded (nothing changed), NotFound if neither pending
   * nor confirmed.
   */
  confirmUpload(id: string, facts: ConfirmedFacts): Promise<{ file: FileRecord; created: boolean }>
  /**
   * pending → expired, and the reservation is released. False unless it was pending. With `onlyIfOverdue` also false if
   * its confirmBy is later than `now`, because it may have been renewed since it was listed.
   */
  expireUpload(id: string, now: Date, o?: { onlyIfOverdue?: boolean }): Promise<boolean>

  /** A confirmed or pending file. null for any other status or owner. */
  getFile(owner: string, id: string): Promise<FileRecord | null>
  /**
   * Confirmed and pending files, newest first. `q` is a literal, case-insensitive part of the filename. A file that is
   * added between two pages does not shift them. Errors: InvalidArgument for an invalid cursor.
   */
  listFiles(owner: string, o: { limit: number; cursor?: string; q?: string }): Promise<FilePage>
  /** The owner's pending uploads with their grants, newest first. Errors: InvalidArgument for an invalid cursor. */
  pendingUploads(owner: string, o: { limit: number; cursor?: string }): Promise<UploadPage>
  updateFile(
    owner: string,
    id: string,
    patch: { filename?: string; metadata?: Record<string, string> },
  ): Promise<FileRecord | null>
  /**
   * confirmed or pending → deleted, and the quota or reservation is released. null if there is no such file. The object
   * is deleted later. The result always has a grant, an expired one if the grant was dropped before, so that
   * `removableGrants` lists the file until `dropGrant`. Its links are deleted at once.
   */
  deleteFile(owner: string, id: string, now: Date): Promise<Upload | null>
  /** Written bytes of pending uploads count as stored. See `noteWritten`. */
  usage(owner: string): Promise<Usage>
  /** The usage of all owners together. */
  totals(): Promise<Usage>

  // Pages of due uploads. `after` is the last upload of the previous page.
  /** Pending uploads whose confirmBy has passed, oldest first. */
  overdueUploads(now: Date, limit: number, after?: Upload): Promise<Upload[]>
  /** Pending auto-confirmed uploads of one owner or of all, by confirmBy. */
  autoConfirmable(o: { owner?: string; limit: number; after?: Upload }): Promise<Upload[]>
  /**
   * Grants of settled uploads whose URLs have expired. The object at `grant.target` can be deleted unless it is the
   * file's object. For deleted or expired files, the file's object can be deleted too.
   */
  removableGrants(now: Date, limit: number, after?: Upload): Promise<Upload[]>
  /** Deletes a settled grant, never a pending one. Also deletes the row of a deleted or expired file. */
  dropGrant(fileId: string): Promise<void>

  // For `postern verify`.
  /** Uploads of every owner and status, by id. `after` is the last id of the previous page. */
  allUploads(o: { limit: number; after?: string }): Promise<Upload[]>
  /** Owners whose recorded usage differs from the sum of their rows, in one snapshot. */
  usageDifferences(): Promise<UsageDifference[]>
  /** Sets the owner's usage to the sum of the rows. */
  recountUsage(owner: string): Promise<Usage>

  /**
   * Takes or renews a lease. False while another holder has it. `note` is for other instances to read. A lease expires
   * automatically. It is advisory only, because clocks of machines differ: do not use it for work that must not run
   * twice.
   */
  takeLease(name: string, o: { holder: string; now: Date; until: Date; note?: string }): Promise<boolean>
  /** Does nothing if another holder has the lease. */
  dropLease(name: string, holder: string): Promise<void>
  /** Leases that have not expired, by name. */
  listLeases(prefix: string, now: Date): Promise<Lease[]>
  /** Deletes leases that expired before this time. */
  forgetLeases(before: Date): Promise<void>

  /** All rows in memory. For the small catalogs of tests. */
  dump(): Promise<CatalogDump>
  /** Replaces all rows with those of a dump. */
  load(dump: CatalogDump): Promise<void>

  /** Resolves when the database answers. */
  checkReady(): Promise<void>
  close(): Promise<void>
}
