/** The rows of the catalog that its ports share: files, uploads and their grants. */
import type { ObjectRef, Checksum } from '../drivers/driver.ts'

export type FileStatus = 'pending' | 'confirmed' | 'deleted' | 'expired'

export type Visibility = 'private' | 'public'

export type UploadMethod = 'PUT' | 'POST' | 'MULTIPART'

export type FileRecord = {
  id: string
  /** The `sub` of the token with which the upload was granted. */
  owner: string
  /** The name of the store that contains the bytes. */
  store: string
  /** The issued key. Unique, and known to the client. */
  key: string
  /** The object to read. Its key is the issued key, unless sealing copied the object to another one. */
  object: ObjectRef & { versionId?: string; etag?: string }
  filename: string
  /** While pending: as declared. Once confirmed: as stored. */
  mimeType: string
  /** null until confirmed, like the checksum. The grant contains the declared values. */
  size: number | null
  checksum: Checksum | null
  visibility: Visibility
  metadata: Record<string, string>
  status: FileStatus
  createdAt: Date
  confirmedAt: Date | null
  /** The charset that the first bytes of a text proved. Absent if they proved none. */
  charset?: 'utf-8'
  /** Why the file would have been refused without `--dev`. */
  warning?: string
}

/** The permission to write one upload. Kept after the upload is settled until its URLs have expired. */
export type UploadGrant = {
  fileId: string
  method: UploadMethod
  /** The object that the URL writes to. */
  target: ObjectRef
  declaredSize: number | null
  declaredChecksum: Checksum | null
  /** The URL can only create an object, because it signs If-None-Match. */
  writeOnce: boolean
  autoConfirm: boolean
  reservedBytes: number
  /** When the last URL of this upload expires. */
  urlExpiresAt: Date
  /** When the upload expires unless it is confirmed. Always later than urlExpiresAt. */
  confirmBy: Date
  multipart: { uploadId: string; partSize: number; partCount: number | null } | null
  /** The object of a public upload when it was last checked. Absent until then. */
  written?: WrittenObject
}

/** `mark` identifies one write. `isVerified`: the object matches the grant and may be served. */
export type WrittenObject = { bytes: number; mark: string; isVerified: boolean }

export type Upload = { file: FileRecord; grant: UploadGrant | null }
