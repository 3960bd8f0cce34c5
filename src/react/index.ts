/** `postern/react`: the client's uploads in a React page. */
export { createClient, UploadError } from '../client/index.ts'
export type { Client, ClientOptions, FileRecord, Progress, UploadOptions, UploadState } from '../client/index.ts'
export { english, type Strings } from './strings.ts'
export { UploadDropzone, type UploadDropzoneProps } from './upload-dropzone.tsx'
export { UploadList, type UploadItem, type UploadListOptions, type UploadsSnapshot } from './upload-list.ts'
export { useUploadDropzone, type UploadDropzoneState, type UseUploadDropzoneOptions } from './use-upload-dropzone.ts'
export { useUpload, type Uploads, type UseUploadOptions } from './use-upload.ts'
