/** What a page sees of the client. Sizes are bytes, durations seconds. */
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

/** Enough to draw each part: what the store has, what is on its way, and what waits. */
export interface PartProgress {
  done: number
  total: number
  /** Of each but the last. */
  size: number
  /** Numbers of the parts that the store has, from 1. The same set all along: it grows. */
  stored: ReadonlySet<number>
  /** Requests at work. `part` is the one that each carries, 0 before its first. */
  sending: readonly { part: number; loaded: number; phase: PartPhase }[]
}

export interface Progress {
  /** Never falls while an upload goes on, and counts what an earlier visit had sent. */
  loaded: number
  total: number
  /** Whole percents; 100 only once the server has the file. */
  percent: number
  bytesPerSecond: number
  /** null until there is enough to tell. */
  etaSeconds: number | null
  /** Of an upload in parts. */
  part?: PartProgress
  /** 1, and one more for each failure that was tried again. */
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
  /** The record's path at the API. */
  url: string
  /** Public files only. */
  publicUrl?: string
}

/** An upload in parts that an earlier visit left unfinished. */
export interface ResumeRecord {
  /** The server's id of the upload. */
  id: string
  baseUrl: string
  filename: string
  size: number
  mimeType: string
  partSize: number
  /** What the file must be to go on with: its name, size, date and samples of its bytes. */
  fingerprint: string
  /** Milliseconds since 1970. */
  startedAt: number
}

export interface UploadOptions {
  /** The file's own name otherwise. */
  filename?: string
  /** The file's own type otherwise, or what the server makes of the name. */
  mimeType?: string
  visibility?: 'private' | 'public'
  metadata?: Record<string, string>
  /**
   * `auto`: the sha256 of files that are sent in one request, wherever the browser can compute it. `always`: of every
   * file, which is read twice for it, or the upload fails. `never`: length and type alone are bound.
   */
  checksum?: 'auto' | 'always' | 'never'
  /** Whether a file of which an earlier visit sent some parts goes on where it was. Default true. */
  resume?: boolean
  /** Cancels the upload. */
  signal?: AbortSignal
}

export interface ClientOptions {
  /** Where the API is, e.g. `https://files.example.com`; empty for the page's own origin. */
  baseUrl: string
  /** Sent with every request to the API, never with the bytes. A function is asked each time, and again after a 401. */
  headers?: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)
  /** Whether cookies go to an API of another origin. */
  credentials?: RequestCredentials
  /** Files that are sent at the same time. */
  concurrency?: number
  /** Seconds: without progress (60), for the answer after the last byte (600), without a network (3600). */
  timeouts?: { stall?: number; answer?: number; offline?: number }
}

export interface UploadSnapshot {
  state: UploadState
  progress: Progress
  filename: string
  size: number
  /** Once the server has granted the upload. */
  fileId: string | null
  error: UploadError | null
  /** While it waits, tries again or signs again: what was refused or lost. */
  why?: UploadError | undefined
  record: FileRecord | null
}

/** Awaiting it yields the file's record or throws an UploadError. */
export interface UploadTask extends PromiseLike<FileRecord> {
  /** Unique among the tasks of the page. */
  readonly id: string
  /** Keeps the parts that are sent; an upload in one request begins anew at `resume`. */
  pause(): void
  /** `file` is for the state `needs-file`. */
  resume(file?: File): void
  /** Ends it here and on the server. */
  cancel(): void
  /** After an error: goes on with what is there. */
  retry(): void
  /** Of the same identity until something changed. */
  getSnapshot(): UploadSnapshot
  /** Returns how to stop listening. */
  subscribe(listener: () => void): () => void
}

export interface DownloadOptions {
  disposition?: 'inline' | 'attachment'
  expiresIn?: number
}

export interface Client {
  /** As given to createClient. */
  readonly options: ClientOptions
  upload(file: File | Blob, o?: UploadOptions): UploadTask
  uploadAll(files: Iterable<File | Blob>, o?: UploadOptions): UploadTask[]
  /** Uploads that earlier visits left unfinished, oldest first. */
  pending(): Promise<ResumeRecord[]>
  /** A task in the state `needs-file`: it goes on once `resume(file)` hands it the file again. */
  resume(record: ResumeRecord, o?: UploadOptions): UploadTask
  getDownloadUrl(id: string, o?: DownloadOptions): Promise<{ url: string; expiresAt: string }>
}
