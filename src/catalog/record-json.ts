/** A file's record as clients and webhooks are told of it: nothing of where its bytes lie. */
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
