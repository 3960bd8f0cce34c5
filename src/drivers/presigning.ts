/** What a driver signs for others: the part of the port that makes URLs and forms. */
import type { Checksum, ObjectRef } from './objects.ts'

/** `headers` are to be sent verbatim; never `content-length` or `host`, which every client sends by itself. */
export type SignedRequest = {
  method: string
  url: string
  headers: Record<string, string>
  /** Seconds, as signed: may be less than asked where the credentials end sooner. */
  expiresIn: number
  expiresAt: Date
}
export type SignedForm = {
  method: 'POST'
  url: string
  fields: Record<string, string>
  expiresIn: number
  expiresAt: Date
}

/** Overrides of a download's response headers; each becomes a signed `response-*` parameter. */
export type ResponseOverrides = {
  contentType?: string
  contentDisposition?: string
  cacheControl?: string
  contentEncoding?: string
  contentLanguage?: string
  expires?: string
}

export type PresignUploadOptions = {
  /** Seconds, 1 to `limits.maxExpiresIn`. */
  expiresIn: number
  contentType?: string
  /** Bound into the signature (`signed-length`). */
  contentLength?: number
  /** Bound into the signature (`signed-checksum`). */
  checksum?: Checksum
  /** The URL can only make a new object, never replace one (`conditional-put`). */
  ifNoneMatch?: '*'
}

/** Presigning is local computation. `now` stands in for the clock in tests. */
export interface Presigner {
  presignUpload(ref: ObjectRef, o: PresignUploadOptions): Promise<SignedRequest>
  presignUploadPart(
    ref: ObjectRef,
    o: { uploadId: string; partNumber: number; expiresIn: number; contentLength?: number; checksum?: Checksum },
  ): Promise<SignedRequest>
  presignDownload(
    ref: ObjectRef,
    o: { expiresIn: number; versionId?: string; response?: ResponseOverrides; signedAt?: Date; link?: string },
  ): Promise<SignedRequest>
  presignHead(ref: ObjectRef, o: { expiresIn: number; versionId?: string; link?: string }): Promise<SignedRequest>
  /** A form upload bounded by a content-length-range. Errors: NotSupported without `presign-post`. */
  presignPost(
    ref: ObjectRef,
    o: { expiresIn: number; contentType?: string; minBytes: number; maxBytes: number; checksum?: Checksum },
  ): Promise<SignedForm>
  /** The URL at which an anonymous read of a public object works, or null where there is none. */
  publicUrl(ref: ObjectRef): string | null
}
