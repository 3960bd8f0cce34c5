/** Public types of the client. Sizes are in bytes, durations in seconds. */
import type { UploadError } from './upload-error.ts'

export type UploadState =
  | 'queued'
  | 'hashing'
  | 'signing'
  | 'uploading'
  | 'paused'
  | 'offline'
  | 'retrying'
  | 'finalizing'
  | 'confirming'
  | 'success'
  | 'error'
  | 'canceled'
  | 'needs-file'

/** `idle`: between two parts. */
export type PartPhase = 'idle' | 'signing' | 'sending' | 'answer' | 'retrying' | 'offline'

/** State of each part: stored, in flight or waiting. */
export interface PartProgress {
  done: number
  total: number
  /** Size of every part except the last. */
  size: number
  /** Part numbers, from 1, that the store has. The same growing set in every snapshot. */
  stored: ReadonlySet<number>
  /** Request slots. `part` is the part being sent, 0 before the first one. */
  sending: readonly { part: number; loaded: number; phase: PartPhase }[]
}

export interface Progress {
  /** Never decreases during an upload. Includes bytes sent in an earlier visit. */
  loaded: number
  total: number
  /** Whole percents. 100 only once the server has the file. */
  percent: number
  bytesPerSecond: number
  /** null until there is enough data for an estimate. */
  etaSeconds: number | null
  /** Set for multipart uploads. */
  part?: PartProgress
  /** Starts at 1 and increases with each retry. */
  attempt: number
}

export interface Checksum {
  algorithm: string
  value: string
}

export interface FileRecord {
  id: string
  key: string
  filename: string
  mimeType: string
  size: number
  checksum: Checksum | null
  visibility: 'private' | 'public'
  metadata: Record<string, string>
  status: string
  createdAt: string
  confirmedAt: string | null
  /** The path of the record in the API. */
  url: string
  /** Only for public files. */
  publicUrl?: string
}

/** A multipart upload that an earlier visit left unfinished. */
export interface ResumeRecord {
  /** The server's id for the upload. */
  id: string
  baseUrl: string
  filename: string
  size: number
  mimeType: string
  partSize: number
  /** Identifies the file: its name, size, date and samples of its bytes. */
  fingerprint: string
  /** Milliseconds since 1970. */
  startedAt: number
}

export interface UploadOptions {
  /** Defaults to the file's own name. */
  filename?: string
  /** Defaults to the file's own type, or to the type the server derives from the name. */
  mimeType?: string
  visibility?: 'private' | 'public'
  metadata?: Record<string, string>
  /**
   * `auto`: compute the SHA-256 of files sent in one request, if the browser can. `always`: compute it for every
   * file, which reads the file twice, or fail. `never`: bind only length and type.
   */
  checksum?: 'auto' | 'always' | 'never'
  /** Whether to resume a file that an earlier visit uploaded in part. Default true. */
  resume?: boolean
  /** Cancels the upload. */
  signal?: AbortSignal
}

export interface ClientOptions {
  /** The API's base URL, e.g. `https://files.example.com`. Empty for the page's own origin. */
  baseUrl: string
  /** Sent with every API request, never with the bytes. A function is called for each request and again after a 401. */
  headers?: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)
  /** Whether to send cookies to an API on another origin. */
  credentials?: RequestCredentials
  /** Maximum number of files uploaded at once. */
  concurrency?: number
  /** Seconds without progress (60), for the response after the last byte (600), without a network (3600). */
  timeouts?: { stall?: number; answer?: number; offline?: number }
}

export interface UploadSnapshot {
  state: UploadState
  progress: Progress
  filename: string
  size: number
  /** Set once the server has granted the upload. */
  fileId: string | null
  error: UploadError | null
  /** The last error, while the upload waits, retries or signs again. */
  why?: UploadError | undefined
  record: FileRecord | null
}

/** Awaiting a task resolves to the file record or throws an UploadError. */
export interface UploadTask extends PromiseLike<FileRecord> {
  /** Unique among the page's tasks. */
  readonly id: string
  /** Keeps stored parts. An upload in one request starts over at `resume`. */
  pause(): void
  /** `file` is required in the state `needs-file`. */
  resume(file?: File): void
  /** Cancels the upload here and on the server. */
  cancel(): void
  /** After an error, continues with the parts already stored. */
  retry(): void
  /** Returns the same object until something changes. */
  getSnapshot(): UploadSnapshot
  /** Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void
}

export interface DownloadOptions {
  disposition?: 'inline' | 'attachment'
  expiresIn?: number
}

export interface Client {
  /** The options passed to createClient. */
  readonly options: ClientOptions
  upload(file: File | Blob, o?: UploadOptions): UploadTask
  uploadAll(files: Iterable<File | Blob>, o?: UploadOptions): UploadTask[]
  /** Uploads that earlier visits left unfinished, oldest first. */
  pending(): Promise<ResumeRecord[]>
  /** Returns a task in the state `needs-file`, which continues after `resume(file)`. */
  resume(record: ResumeRecord, o?: UploadOptions): UploadTask
  getDownloadUrl(id: string, o?: DownloadOptions): Promise<{ url: string; expiresAt: string }>
}
