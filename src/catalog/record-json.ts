/** A file's record for clients and webhooks. It does not reveal where the bytes are stored. */
import type { FileRecord } from './catalog.ts'

export const recordJson = (file: FileRecord) => ({
  id: file.id,
  key: file.key,
  filename: file.filename,
  mimeType: file.mimeType,
  size: file.size,
  checksum: file.checksum,
  visibility: file.visibility,
  metadata: file.metadata,
  status: file.status,
  createdAt: file.createdAt.toISOString(),
  confirmedAt: file.confirmedAt?.toISOString() ?? null,
  ...(file.warning === undefined ? {} : { warning: file.warning }),
})
