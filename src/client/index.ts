/** `postern/client`: uploads from a browser. Uses no framework and no Node APIs. */
export { createClient } from './client.ts'
export { UploadError, type UploadErrorCode } from './upload-error.ts'
export type {
  Checksum,
  Client,
  ClientOptions,
  DownloadOptions,
  FileRecord,
  PartPhase,
  PartProgress,
  Progress,
  ResumeRecord,
  UploadOptions,
  UploadSnapshot,
  UploadState,
  UploadTask,
} from './types.ts'
